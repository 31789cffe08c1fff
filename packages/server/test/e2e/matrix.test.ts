import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { TransactionView } from '../../src/api/contract.ts'
import { newFolder, removeFolder, type Server, startServer } from '../composition/server-rig.ts'
import { type Cell, carried, cellsOf, nameOf } from '../matrix/cells.ts'
import { containers, nest } from '../matrix/containers.ts'
import { EICAR } from '../scan/samples.ts'
import { noise, type PlainFile } from '../unpack/archives/make-archive.ts'
import { needs } from './needs.ts'
import { exchange, respmod } from './raw-icap.ts'

/** `npm run matrix` takes the whole product; `npm test` every container, depth, password and carriage, but not all with all. */
const IS_FULL = process.env.ASSAY_MATRIX === 'full'
const MARK = 'assay-matrix-marker-d1f5e0'
const RULE = `rule Matrix_Marker { meta: risk = "high" strings: $a = "${['assay-matrix-', 'marker-d1f5e0'].join('')}" condition: $a }`

const EVIL: readonly PlainFile[] = [
  { name: 'eicar.com', bytes: Buffer.from(EICAR) },
  { name: 'marked.bin', bytes: Buffer.concat([noise(3000), Buffer.from(MARK), noise(500)]) },
]
const HARMLESS: PlainFile = {
  name: 'harmless.bin',
  bytes: Buffer.concat([noise(3000), Buffer.from('a harmless marker'), noise(500)]),
}

/** Disk images are mostly zeros: a coding shortens them beyond the ratio that is a bomb by default. The machine may be busy. */
const SETTINGS = { 'scan.timeoutMs': 120_000, 'intake.decodeRatioFromBytes': 512 * 1024 * 1024 }

let server: Server
let data: string
let count = 0

before(async () => {
  data = newFolder()
  server = await startServer({ data, workers: 2, saved: SETTINGS })
  const added = await server.api('POST', '/rules', { name: 'matrix.yar', text: RULE })
  assert.equal(added.status, 200, added.text)
})
after(async () => {
  await server?.stop()
  removeFolder(data)
})

async function answerTo(file: PlainFile, cell: Cell): Promise<{ status: number; record: TransactionView }> {
  const id = ++count
  const url = `http://matrix.example/${id}/${file.name}`
  const { body, contentType, http } = carried(file, cell)
  const { status } = await exchange(server.ports.icap, respmod({ url, body, contentType, http }))
  const [record] = await server.transactions(`example/${id}/${file.name}`)
  assert.ok(record !== undefined, 'no record')
  return { status, record }
}

/** Detected, by the engine, in the member that it is in, at no less than its depth. */
async function isFound(cell: Cell, evil: PlainFile): Promise<void> {
  const file = nest(cell.container, evil, cell)
  const { record } = await answerTo(file, cell)
  const paths = record.detections.flatMap(({ engine, name, member = '' }) =>
    engine === 'yara' && /^(?:Eicar_test_file|Matrix_Marker)$/i.test(name) ? [member] : [],
  )
  const says = `${record.outcome} ${record.reasons} ${record.details} ${JSON.stringify(paths)}`
  assert.equal(record.outcome, 'detected', says)
  assert.ok(
    paths.some((path) => isPathOf(path, cell, evil)),
    says,
  )
}

function isPathOf(path: string, { container, depth, inForm }: Cell, { name }: PlainFile): boolean {
  const parts = path.split('!/')
  const least = depth + (inForm ? 1 : 0)
  const isNamed = !container.keepsName || (parts.at(-1) ?? '').endsWith(name)
  return parts.length >= least && isNamed
}

async function isClean(cell: Cell): Promise<void> {
  const { status, record } = await answerTo(nest(cell.container, HARMLESS, cell), cell)
  const says = `${record.outcome} ${record.reasons} ${record.details} ${JSON.stringify(record.detections)}`
  assert.equal(record.outcome, 'clean', says)
  assert.equal(status, 204, says)
}

describe('the matrix', needs('bwrap', 'prlimit'), () => {
  for (const [turn, container] of containers().entries()) {
    describe(container.name, { ...container.needs, concurrency: 4 }, () => {
      for (const cell of cellsOf(container, turn, IS_FULL)) {
        it(`${nameOf(cell)}: found`, () => isFound(cell, EVIL[cell.depth % 2] as PlainFile))
        it(`${nameOf(cell)}: harmless`, () => isClean(cell))
      }
    })
  }
})
