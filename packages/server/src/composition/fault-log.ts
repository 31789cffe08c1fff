type Log = (level: 'info', text: string, fields: object) => void

const LINES_A_SECOND = 20
const SECOND_MS = 1000

/**
 * For what any stranger can cause by connecting: every line goes through the supervisor, so a flood of connections must not become
 * a flood of lines. What is left out is counted in the next line that is not.
 */
export function faultLog(log: Log, now: () => number = Date.now): (text: string, fields: object) => void {
  let second = 0
  let said = 0
  let leftOut = 0
  return (text, fields) => {
    const current = Math.floor(now() / SECOND_MS)
    if (current !== second) {
      second = current
      said = 0
    }
    if (said++ >= LINES_A_SECOND) {
      leftOut++
      return
    }
    log('info', text, leftOut === 0 ? fields : { ...fields, leftOut })
    leftOut = 0
  }
}
