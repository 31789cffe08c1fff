import { inflateSync } from 'node:zlib'
import { Unscanned } from '../../domain/verdict.ts'
import type { OpenRun } from '../opener.ts'
import type { CompoundFile } from './compound-file.ts'

const MAX_STREAM = 128 * 1024 * 1024
const MAX_OBJECT = 64 * 1024 * 1024
const MAX_RECORDS = 2_000_000

const OLE_STORAGE = 0x1011
const INTERACTIVE = 0x0ff3

/**
 * Objects of a PowerPoint presentation ([MS-PPT] 2.10.34 ExOleObjStg): embedded documents and the VBA project lie deflated inside the
 * one big stream, each a compound file of its own.
 */
export async function openSlideObjects(file: CompoundFile, run: OpenRun): Promise<void> {
  for (const entry of file.named('POWERPOINT DOCUMENT')) {
    if (entry.size > MAX_STREAM)
      run.unscanned({ reason: 'too-large', detail: 'presentation is too large to look for objects' })
    run.spend(Math.min(entry.size, MAX_STREAM))
    await openRecords(file.read(entry, MAX_STREAM), run)
  }
}

async function openRecords(stream: Buffer, run: OpenRun): Promise<void> {
  let count = 0
  let objects = 0
  for (let at = 0; at + 8 <= stream.length && count < MAX_RECORDS; count++) {
    const version = stream.readUInt16LE(at)
    const type = stream.readUInt16LE(at + 2)
    const size = stream.readUInt32LE(at + 4)
    const data = stream.subarray(at + 8, at + 8 + size)
    if (type === OLE_STORAGE) await emitStorage(data, version >> 4, `object-${++objects}`, run)
    if (type === INTERACTIVE) lookAtAction(data, run)
    // recVer 0xF: a container; what is in it follows at once.
    at += (version & 0xf) === 0xf ? 8 : 8 + size
    if (run.signal.aborted) throw new Unscanned('timeout', 'stopped among the records of a presentation')
  }
}

/** recInstance 1 = deflated, behind its size. */
async function emitStorage(data: Buffer, instance: number, name: string, run: OpenRun): Promise<void> {
  if (instance !== 1) return run.emit({ name }, data)
  const bytes = inflate(data.subarray(4), Math.min(MAX_OBJECT, Math.max(1, run.left.bytes)))
  if (bytes === undefined) run.unscanned({ reason: 'malformed', detail: 'embedded object cannot be inflated' }, name)
  else await run.emit({ name }, bytes)
}

function inflate(data: Buffer, maxOutputLength: number): Buffer | undefined {
  try {
    return inflateSync(data, { maxOutputLength, finishFlush: 2 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new Unscanned('bomb', 'embedded object is too large', { cause: error })
    }
    return undefined
  }
}

/** [MS-PPT] 2.8.2: action 2 runs a program when the slide is clicked. */
function lookAtAction(data: Buffer, run: OpenRun): void {
  if (data[8] !== 2) return
  const detail = 'a click on a slide runs a program'
  run.finding({ name: 'Document.RunsProgram', risk: 'medium', attack: 'T1204.002', detail })
}
