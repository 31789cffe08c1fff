import type { Assay } from '../packages/server/test/e2e/assay.ts'
import { runLoad } from './load.ts'
import { median } from './measure.ts'
import { atMost, type Result, round } from './report.ts'

const SMALL = { service: '/avscan', bodyBytes: 1024, connections: 8, allow204: true, rate: 200 }
const LARGE = { service: '/avscan', bodyBytes: 50 * 1024 * 1024, connections: 4, allow204: true }

/** p99 of small requests at a fixed rate (open loop: a wait counts), alone and while four large bodies are scanned without a pause. */
export async function measureLatency(
  assay: Assay,
  { rounds, seconds }: { rounds: number; seconds: number },
  tell: (result: Result) => void,
): Promise<void> {
  const port = assay.ports.icap
  const idle: number[] = []
  const busy: number[] = []
  await runLoad({ ...SMALL, port, seconds: 2 })
  for (let n = 0; n < rounds; n++) {
    idle.push((await runLoad({ ...SMALL, port, seconds })).lat_us.p99)
    const large = runLoad({ ...LARGE, port, seconds: seconds + 1 })
    busy.push((await runLoad({ ...SMALL, port, seconds })).lat_us.p99)
    await large
  }
  const detail = `${round(median(busy) / 1000)} ms against ${round(median(idle) / 1000)} ms`
  const what = 'p99 of 1 KiB at 200/s while four 50 MiB bodies are scanned, against idle'
  tell(atMost(what, median(busy) / median(idle), 10, detail))
}
