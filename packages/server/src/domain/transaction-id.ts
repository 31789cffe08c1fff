/**
 * Makes record ids that sort by time and are unique on all nodes: 9 characters of Unix ms in base 36 (good until the year
 * 5188), the writer's instance, a counter. `instance` must be unique for each start of a writer.
 */
export function transactionIds(instance: string, now: () => number = Date.now): () => string {
  let lastMs = 0
  let time = ''
  let count = 0
  return () => {
    // A clock that steps back must not make an id sort before those that were given out already.
    const ms = Math.max(lastMs, Math.floor(now()))
    if (ms !== lastMs) {
      lastMs = ms
      time = ms.toString(36).padStart(9, '0')
      count = 0
    }
    return `${time}-${instance}-${(count++).toString(36).padStart(3, '0')}`
  }
}
