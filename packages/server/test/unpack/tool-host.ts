import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRunTool, type RunTool, type ToolEnd, type ToolJob } from '../../src/unpack/run-tool.ts'
import { SEVEN_ZIP } from './archives/make-archive.ts'

/** Who tools are where the tests run as root. */
export const TOOL_IDENTITY = { uid: 64344, gid: 64344 }

export interface TestHost {
  readonly runTool: RunTool
  readonly scratch: string
  close(): void
}

/** A confinement for tests. Throws where there is none: whoever needs it says `needs('bwrap', 'prlimit')` first. */
export async function testToolHost(): Promise<TestHost> {
  const scratch = mkdtempSync(join(tmpdir(), 'assay-tools-'))
  const host = await createRunTool({ programs: [SEVEN_ZIP], scratch, identity: TOOL_IDENTITY })
  if ('unavailable' in host) throw new Error(host.unavailable)
  return { runTool: host.runTool, scratch, close: () => rmSync(scratch, { recursive: true, force: true }) }
}

export interface ScriptEnd extends ToolEnd {
  readonly stdout: string
}

/** Runs a script in the confinement. */
export async function runScript(runTool: RunTool, script: string, more: Partial<ToolJob> = {}): Promise<ScriptEnd> {
  const pieces: Buffer[] = []
  const end = await runTool({
    program: SEVEN_ZIP,
    args: [],
    script,
    input: { kind: 'memory', bytes: Buffer.from('the sample') },
    onStdout: (chunk) => void pieces.push(Buffer.from(chunk)),
    maxStdoutBytes: 1024 * 1024,
    timeoutMs: 20_000,
    signal: new AbortController().signal,
    ...more,
  })
  return { ...end, stdout: Buffer.concat(pieces).toString() }
}
