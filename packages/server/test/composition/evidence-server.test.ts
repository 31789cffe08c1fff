import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Evidence } from '../../src/domain/evidence.ts'
import { exchange, respmod } from '../e2e/raw-icap.ts'
import { EICAR, plainText } from '../e2e/samples.ts'
import { postgresAbsent, startPostgres, type TestPostgres } from '../store/postgres.ts'
import { makeZip } from '../unpack/archives/make-zip.ts'
import { PLAIN_PARTS, pdfOf } from '../unpack/documents/pdf-samples.ts'
import { cli, detailOf, told } from './inside-rig.ts'
import { newPorts, removeFolder, type Server, type ServerOptions, startServer } from './server-rig.ts'

const LAUNCH = pdfOf([
  { num: 1, body: '<< /Type /Catalog /Pages 2 0 R /OpenAction 20 0 R >>' },
  ...PLAIN_PARTS.slice(1),
  { num: 20, body: '<< /S /Launch /Win << /F (cmd.exe) >> >>' },
])
/** Clears a screen, turns the direction of text, ends a line, ends a cell of HTML. */
const HOSTILE = 'a\u001b[2J\u001b]0;own\u0007\u202egnp.exe\r\n\u009b31m<script>.txt'
const inner = makeZip([
  { name: 'eicar.com', data: EICAR },
  { name: HOSTILE, data: EICAR },
  { name: 'plain.txt', data: plainText('evidence', 300) },
])
const SAMPLE = makeZip([
  { name: 'inner.zip', data: inner, how: 'deflate' },
  { name: 'launch.pdf', data: LAUNCH, how: 'deflate' },
  { name: 'opened.txt', data: EICAR, password: { text: 'infected', how: 'ae2' } },
  { name: 'locked.txt', data: EICAR, password: { text: 'xK9-unguessed', how: 'ae2' } },
  { name: 'damaged.zip', data: inner.subarray(0, inner.length - 100) },
])
const MANY = makeZip(Array.from({ length: 5000 }, (_, n) => ({ name: `${n}.com`, data: EICAR })))
/** What neither a page nor a terminal may be given raw: controls, and marks that turn the direction. */
const RAW = /[\p{Cc}\p{Cf}]/u

const withoutTimes = ({ nodes, omitted }: Evidence) => ({ nodes: nodes.map(({ ms: _, ...node }) => node), omitted })

function stores(): readonly { readonly kind: string; readonly skip: string | false }[] {
  return [
    { kind: 'SQLite', skip: false },
    { kind: 'PostgreSQL', skip: postgresAbsent() ?? false },
  ]
}

for (const { kind, skip } of stores())
  describe(`evidence, kept in ${kind}`, { skip }, () => {
    let postgres: TestPostgres | undefined
    let server: Server
    let scanned = ''
    let env: Record<string, string> = {}
    const send = (name: string, body: Buffer) =>
      exchange(server.ports.icap, respmod({ url: `http://www.example.com/${name}`, body }))
    const run = async (...args: readonly string[]) => {
      const { stdout, stderr } = await cli(server, args, { env: { ...process.env, ...env } })
      assert.equal(stderr, '')
      return stdout.toString()
    }

    before(async () => {
      const options: ServerOptions = { workers: 1, saved: { 'scan.threads': 1 } }
      if (kind === 'SQLite') server = await startServer(options)
      else {
        postgres = await startPostgres()
        env = { ASSAY_DATABASE_URL: postgres.url }
        const ports = await newPorts()
        server = await startServer({ ...options, env, ports, args: ['--icap-port', String(ports.icap)] })
      }
    })
    after(async () => {
      await server?.kill()
      await postgres?.stop()
      if (server !== undefined) removeFolder(server.data)
    })

    it('is the same tree by API, `transactions show` and `scan`', async () => {
      assert.match(told(await send('evidence.zip', SAMPLE)), /^blocked: /)
      const record = await detailOf(server, 'evidence.zip')
      const path = join(server.data, 'evidence.zip')
      writeFileSync(path, SAMPLE)
      const shown = JSON.parse(await run('transactions', 'show', record.id, '--json'))
      scanned = await run('scan', path, '--json')
      const line = JSON.parse(scanned)
      assert.deepEqual(shown.evidence, record.evidence)
      assert.deepEqual(withoutTimes(line.evidence), withoutTimes(record.evidence))
      assert.deepEqual(line.detections, record.detections)
      assert.deepEqual(line.reasons.toSorted(), record.reasons.toSorted())
    })

    it('says of each member what it is, what was found in it and what was not looked at', async () => {
      const { nodes } = (await detailOf(server, 'evidence.zip')).evidence
      const seen = nodes.map(({ path, type, parent, findings, limits, openedBy }) => ({
        path,
        type,
        parent: nodes[parent]?.path,
        names: [...new Set(findings.map(({ name }) => name))],
        reasons: limits.map(({ reason }) => reason),
        ...(openedBy === undefined ? {} : { openedBy }),
      }))
      const at = (path: string) => seen.find((node) => node.path === path)
      assert.deepEqual([at('')?.type, at('')?.openedBy, at('')?.parent], ['zip', 'listed #1', undefined])
      assert.deepEqual(at('inner.zip!/eicar.com')?.parent, 'inner.zip')
      assert.deepEqual(at('inner.zip!/eicar.com')?.names, ['Eicar_test_file'])
      assert.deepEqual(at('opened.txt')?.names, ['Eicar_test_file'])
      assert.ok(at('launch.pdf')?.names.includes('Pdf.Launch'), JSON.stringify(at('launch.pdf')))
      assert.ok(seen.some(({ reasons }) => reasons.includes('encrypted')))
      assert.ok(seen.some(({ path, reasons }) => path.startsWith('damaged.zip') && reasons.includes('malformed')))
      for (const { engine, engineVersion } of nodes.flatMap(({ findings }) => findings))
        assert.notEqual(engineVersion, '', engine)
    })

    it('hostile names are harmless in the record, in JSON and in a terminal', async () => {
      const record = await detailOf(server, 'evidence.zip')
      const hostile = record.evidence.nodes.find(({ path }) => path.includes('script'))
      assert.ok(hostile !== undefined)
      const path = join(server.data, 'evidence.zip')
      const texts = [
        JSON.stringify(record.evidence.nodes.map((node) => node.path)),
        await run('transactions', 'show', record.id),
        await run('transactions', 'show', record.id, '--json'),
        await run('scan', path),
        scanned,
      ]
      for (const text of texts) assert.doesNotMatch(text.replaceAll('\n', ''), RAW)
    })

    it('is bounded for 5,000 findings, and says how many are not in it', async () => {
      assert.match(told(await send('many.zip', MANY)), /^blocked: /)
      const { evidence, detections } = await detailOf(server, 'many.zip')
      assert.ok(JSON.stringify(evidence).length < 400_000, `${JSON.stringify(evidence).length}`)
      assert.ok(detections.length <= 200 && detections.length > 0, `${detections.length}`)
      assert.ok(evidence.nodes.length >= 200, `${evidence.nodes.length}`)
      assert.equal(evidence.nodes.length + evidence.omitted, 5001)
      const lines = (await run('transactions', 'show', (await detailOf(server, 'many.zip')).id)).split('\n')
      assert.ok(lines.length < 5000, `${lines.length} lines`)
    })
  })
