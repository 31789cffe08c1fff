import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { workerIdentity } from '../supervisor/identity.ts'
import { createRunTool } from '../unpack/run-tool.ts'
import { sevenZipPath } from './openers.ts'

/** Tries for the doctor what every thread that looks inside does at its start. Undefined: native tools are confined here. */
export async function confineTool(): Promise<string | undefined> {
  const scratch = await mkdtemp(join(tmpdir(), 'assay-doctor-'))
  try {
    const host = await createRunTool({ programs: [sevenZipPath()], scratch, identity: workerIdentity() })
    return 'unavailable' in host ? host.unavailable : undefined
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}
