import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { ReplyHeaders } from '@assay/icap'
import fc from 'fast-check'
import { DIALECTS, type Dialect } from '../../src/domain/dialect.ts'
import { type Detection, UNSCANNED_REASONS } from '../../src/domain/verdict.ts'
import { type BlockSaid, blockHeaders, passHeaders } from '../../src/icap-service/dialects.ts'
import { chunked, EICAR, GET, GROUP, icap, OK, POLICY, type Rig, startRig } from './service-rig.ts'

const send = { virusId: true, infectionFound: true, responseDesc: true }

function cause(about: Detection['about'], name: string): Detection {
  return { engine: 'yara', name, risk: 'high', about }
}

const infected: BlockSaid = {
  action: { type: 'block', causes: [cause('file', 'A.B'), cause('file', 'C')] },
  threats: ['A.B', 'C'],
  fileName: 'x.zip',
  send,
}
const badUrl: BlockSaid = {
  action: { type: 'block', causes: [cause('url', 'Bad.URL')] },
  threats: ['Bad.URL'],
  fileName: '',
  send,
}
const locked: BlockSaid = {
  action: { type: 'block-unscanned', reason: 'encrypted', threat: 'Not scanned (encrypted)' },
  threats: ['Not scanned (encrypted)'],
  fileName: 'x.zip',
  send,
}

const rows: readonly [Dialect, string, BlockSaid, ReplyHeaders][] = [
  [
    'trend',
    'infected',
    infected,
    { 'X-Virus-ID': 'A.B,C', 'X-Infection-Found': 'Type=0; Resolution=2; Threat=A.B,C;' },
  ],
  [
    'mcafee',
    'infected',
    infected,
    { 'X-Virus-Name': 'A.B,C', 'X-Block-Reason': 'Malware found', 'X-WWBlockResult': '80' },
  ],
  ['mcafee', 'bad URL', badUrl, { 'X-Virus-Name': 'Bad.URL', 'X-Block-Reason': 'URL blocked' }],
  [
    'mcafee',
    'locked',
    locked,
    { 'X-Virus-Name': 'Not scanned (encrypted)', 'X-Block-Reason': 'Not scanned (encrypted)' },
  ],
  [
    'symantec',
    'infected',
    infected,
    {
      'X-Virus-ID': 'A.B,C',
      'X-Infection-Found': 'Type=0; Resolution=2; Threat=A.B,C;',
      'X-Violations-Found': ['2', 'x.zip', 'A.B', '0', '2', 'x.zip', 'C', '0', '2'],
    },
  ],
  [
    'symantec',
    'locked',
    locked,
    {
      'X-Virus-ID': 'Encrypted container violation',
      'X-Infection-Found': 'Type=2; Resolution=2; Threat=Encrypted container violation;',
      'X-Violations-Found': ['1', 'x.zip', 'Encrypted container violation', '0', '2'],
    },
  ],
  [
    'opswat',
    'infected',
    infected,
    {
      'X-Response-Info': 'Blocked',
      'X-Blocked-Reason': 'Infected',
      'X-Response-Desc': 'Infected',
      'X-Virus-ID': 'A.B',
      'X-Infection-Found': 'Type=0; Resolution=0; Threat=A.B;',
      'X-Violations-Found': ['1', 'x.zip', 'A.B', '0', '0'],
    },
  ],
  [
    'opswat',
    'locked',
    locked,
    {
      'X-Response-Info': 'Blocked',
      'X-Blocked-Reason': 'Encrypted Archive',
      'X-Response-Desc': 'Encrypted Archive',
      'X-Virus-ID': 'Not scanned (encrypted)',
      'X-Infection-Found': 'Type=2; Resolution=0; Threat=Not scanned (encrypted);',
      'X-Violations-Found': ['1', 'x.zip', 'Not scanned (encrypted)', '0', '0'],
    },
  ],
  [
    'c-icap',
    'infected',
    infected,
    {
      'X-Infection-Found': 'Type=0; Resolution=2; Threat=A.B,C;',
      'X-Violations-Found': ['2', '-', 'A.B', '0', '0', '-', 'C', '0', '0'],
    },
  ],
]

describe('header dialects', () => {
  for (const [dialect, name, said, headers] of rows)
    it(`${dialect}: ${name}`, () => assert.deepEqual(blockHeaders(dialect, said), headers))

  it('trend: nothing that is switched off', () => {
    const off = { virusId: false, infectionFound: false, responseDesc: false }
    assert.deepEqual(blockHeaders('trend', { ...infected, send: off }), {})
  })

  it('say that a message passes only where a dialect has a word for it', () => {
    const said = DIALECTS.filter((dialect) => Object.keys(passHeaders(dialect)).length > 0)
    assert.deepEqual(said, ['opswat'])
  })

  it('have lines of printable ASCII, bounded, whatever names files and threats have', () => {
    const text = fc.string({ unit: 'binary', maxLength: 2_000 })
    const reason = fc.constantFrom(...UNSCANNED_REASONS)
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 30 }), text, reason, (threats, fileName, why) => {
        const block: BlockSaid['action'] = { type: 'block', causes: [cause('file', threats[0] ?? '')] }
        const unscanned: BlockSaid['action'] = { type: 'block-unscanned', reason: why, threat: threats[0] ?? '' }
        for (const dialect of DIALECTS) {
          for (const action of [block, unscanned]) {
            const lines = Object.values(blockHeaders(dialect, { action, threats, fileName, send })).flat()
            assert.ok(lines.length > 0)
            for (const line of lines) assert.match(line, /^[\x21-\x7e](?:[\x20-\x7e]{0,600}[\x21-\x7e])?$/)
            assert.ok(lines.join('').length < 8_192)
          }
        }
      }),
    )
  })
})

describe('a client group with a dialect', () => {
  const rigs = new Map<Dialect, Rig>()
  before(async () => {
    for (const dialect of DIALECTS) rigs.set(dialect, await startRig({ group: { ...GROUP, dialect, policy: POLICY } }))
  })
  after(async () => {
    for (const rig of rigs.values()) await rig.close()
  })
  const answerOf = async (dialect: Dialect, bytes: Buffer) => (await rigs.get(dialect)?.send(bytes)) ?? ''

  it('gets folded lines on the wire, as c-icap sends them', async () => {
    const answer = await answerOf('c-icap', icap({ request: GET, response: OK, body: EICAR }))
    assert.match(
      answer,
      /\r\nX-Infection-Found: Type=0; Resolution=2; Threat=EICAR_Test;\r\nX-Violations-Found: 1\r\n\t-\r\n\tEICAR_Test\r\n\t0\r\n\t0\r\n/,
    )
    assert.doesNotMatch(answer, /X-Virus-ID/)
  })

  for (const dialect of DIALECTS) {
    it(`${dialect}: a block is a 403, a clean one a 204, a partial one never a 204`, async () => {
      assert.match(
        await answerOf(dialect, icap({ request: GET, response: OK, body: EICAR })),
        /HTTP\/1\.1 403 Forbidden/,
      )
      const clean = await answerOf(dialect, icap({ icap: 'Allow: 204\r\n', request: GET, response: OK, body: 'ok' }))
      assert.match(clean, /^ICAP\/1\.0 204/)
      assert.equal(/X-Response-Info: Allowed\r\n/.test(clean), dialect === 'opswat')
      assert.doesNotMatch(clean, /X-(?:Virus|Infection|Violations|Block)/)
      const part = await answerOf(
        dialect,
        icap({ icap: 'Allow: 204\r\n', request: GET, response: 'HTTP/1.1 206 P\r\n\r\n', chunks: chunked('part') }),
      )
      assert.match(part, /^ICAP\/1\.0 200/)
      assert.match(part, /X-Response-Desc: URL: .*; FILE: Not scanned \(partial\)\r\n/)
    })
  }
})
