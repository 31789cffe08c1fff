import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type ListedItem, ListingReader } from '../../../src/unpack/archives/seven-zip-listing.ts'
import { ItemStream, type StreamEnd } from '../../../src/unpack/archives/seven-zip-stream.ts'
import { damageOf, itemDamage } from '../../../src/unpack/archives/seven-zip-words.ts'

function item(index: number, name: string, more: Partial<ListedItem> = {}): ListedItem {
  return {
    index,
    name,
    printed: name,
    size: 0,
    isFolder: false,
    isLink: false,
    isEncrypted: false,
    method: '',
    ...more,
  }
}

interface Taken {
  readonly end: StreamEnd
  /** `name: contents`, with ` !reason` where damaged. */
  readonly items: readonly string[]
}

async function take(items: readonly ListedItem[], chunks: readonly Buffer[]): Promise<Taken> {
  const taken: string[] = []
  let open = ''
  const stream = new ItemStream(items, {
    begin({ name }) {
      assert.equal(open, '')
      open = `${name}: `
    },
    write(bytes) {
      assert.notEqual(open, '')
      open += bytes.toString('latin1')
    },
    async end(damage) {
      taken.push(damage === undefined ? open : `${open} !${damage.reason}`)
      open = ''
    },
  })
  for (const chunk of chunks) await stream.write(chunk)
  const end = await stream.end()
  assert.equal(open, '')
  return { end, items: taken }
}

const HEAD = '\n7-Zip (z)\n\nExtracting archive: /sample\n--\nPath = /sample\nType = 7z\n\n'
const SUMMARY = 'Everything is Ok\n\nFolders: 1\nFiles: 3\nSize:       11\nCompressed: 300\n'

interface Case {
  readonly because: string
  readonly items: readonly ListedItem[]
  readonly log: string
  readonly gives: readonly string[]
  readonly isLost?: true
  /** Default: all of them. */
  readonly next?: number
}

const CASES: readonly Case[] = [
  {
    because: 'sizes say where items end',
    items: [item(0, 'd', { isFolder: true }), item(1, 'a', { size: 5 }), item(2, 'b', { size: 3 })],
    log: `${HEAD}- d/\n- a\nhello- b\nyou${SUMMARY}`,
    gives: ['d: ', 'a: hello', 'b: you'],
  },
  {
    because: 'an item that looks like the log is as long as it is',
    items: [item(0, 'a', { size: 25 }), item(1, 'b', { size: 2 })],
    log: `${HEAD}- a\n- b\nEverything is Ok\n- b\n- b\nMZ${SUMMARY}`,
    gives: ['a: - b\nEverything is Ok\n- b\n', 'b: MZ'],
  },
  {
    because: 'a comment that shows an item is no item',
    items: [item(0, 'a', { size: 2 })],
    log: `${HEAD}Comment = \n{\n- b\nEverything is Ok\n}\n\n- a\nMZ${SUMMARY}`,
    gives: ['a: MZ'],
  },
  {
    because: 'a complaint is about the item before it',
    items: [item(0, 'a', { size: 2 }), item(1, 'b', { size: 2 })],
    log: `${HEAD}- a\nMZERROR: CRC Failed : a\n- b\nMZ\nSub items Errors: 1\n\nArchives with Errors: 1\n`,
    gives: ['a: MZ !malformed', 'b: MZ'],
  },
  {
    because: 'a name decides nothing of what a complaint means',
    items: [item(0, 'password', { size: 2 })],
    log: `${HEAD}- password\nMZERROR: CRC Failed : password\n\nSub items Errors: 1\n`,
    gives: ['password: MZ !malformed'],
  },
  {
    because: 'an item that fails at once has no line of its own',
    items: [item(0, 'a', { size: 200 }), item(1, 'b', { size: 300 })],
    log: `${HEAD}ERROR: Unsupported Method : a\nERROR: Unsupported Method : b\n\nSub items Errors: 2\n`,
    gives: ['a:  !not-unpacked', 'b:  !not-unpacked'],
  },
  {
    because: 'the question for the password stands before or behind the first locked item',
    items: [item(0, 'a', { size: 2, isEncrypted: true }), item(1, 'b', { size: 17, isEncrypted: true })],
    log: `${HEAD}- a\n\nEnter password:\nMZ- b\n\nEnter password:\n${SUMMARY}`,
    gives: ['a: MZ', 'b: \nEnter password:\n'],
  },
  {
    because: 'an item of unknown length ends at the next line',
    items: [item(0, 'a', { size: undefined }), item(1, 'b', { size: undefined })],
    log: `${HEAD}- a\nhello- b\nyou${SUMMARY}`,
    gives: ['a: hello', 'b: you'],
  },
  {
    because: 'a complaint about an item of unknown length is none of its bytes',
    items: [item(0, 'a', { size: undefined }), item(1, 'b', { size: undefined })],
    log: `${HEAD}- a\nhelloERROR: Data Error : a\n- b\nyouERROR: Data Error : b\n\nSub items Errors: 2\n`,
    gives: ['a: hello !malformed', 'b: you !malformed'],
  },
  {
    because: 'a forged border leaves the true one over',
    items: [item(0, 'a', { size: undefined }), item(1, 'b', { size: undefined })],
    log: `${HEAD}- a\nhel- b\nlo- b\nyou${SUMMARY}`,
    gives: ['a: hel', 'b:  !malformed'],
    isLost: true,
    next: 0,
  },
  {
    because: 'a forged end of everything leaves the true one over',
    items: [item(0, 'a', { size: undefined }), item(1, 'b', { size: 2 })],
    log: `${HEAD}- a\nhel- b\nMM${SUMMARY}PAYLOAD- b\nMZ${SUMMARY}`,
    gives: ['a: hel', 'b: MM'],
    isLost: true,
    next: 0,
  },
  {
    because: 'nothing can be told behind an item that breaks off',
    items: [item(0, 'a', { size: 9 }), item(1, 'b', { size: 2 }), item(2, 'c', { size: 2 })],
    log: `${HEAD}- a\nMZERROR: Data Error : a\n- b\nMZ- c\nMZ\nSub items Errors: 1\n`,
    gives: ['a: MZERROR:  !malformed'],
    isLost: true,
    next: 1,
  },
  {
    because: 'the output may end within an item',
    items: [item(0, 'a', { size: 9 }), item(1, 'b', { size: 2 })],
    log: `${HEAD}- a\nhello`,
    gives: ['a: hello !malformed'],
    next: 1,
  },
  {
    because: 'what did not come is told',
    items: [item(0, 'a', { size: 2 }), item(1, 'b', { size: 2 })],
    log: `${HEAD}- a\nMZ${SUMMARY}`,
    gives: ['a: MZ'],
    next: 1,
  },
]

describe('the stream of items', () => {
  for (const { because, items, log, gives, isLost = false, next = items.length } of CASES) {
    it(`is taken apart wherever it is cut: ${because}`, async () => {
      const bytes = Buffer.from(log, 'latin1')
      for (let cut = 0; cut <= bytes.length; cut++) {
        const { end, items: taken } = await take(items, [bytes.subarray(0, cut), bytes.subarray(cut)])
        assert.deepEqual({ cut, taken, isLost: end.isLost, next: end.next }, { cut, taken: gives, isLost, next })
      }
      const each = Array.from(bytes, (byte) => Buffer.from([byte]))
      assert.deepEqual((await take(items, each)).items, gives)
    })
  }

  it('gives back every item whose length is known, whatever is in it', async () => {
    const contents = fc.array(fc.uint8Array({ maxLength: 60 }), { minLength: 1, maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(contents, fc.integer({ min: 1, max: 40 }), async (bodies, step) => {
        const items = bodies.map((body, i) => item(i, `n${i}`, { size: body.length }))
        const parts = bodies.flatMap((body, i) => [Buffer.from(`- n${i}\n`), Buffer.from(body)])
        const { end, items: taken } = await take(items, steps(Buffer.concat([...parts, Buffer.from(SUMMARY)]), step))
        assert.deepEqual(
          taken,
          bodies.map((body, i) => `n${i}: ${Buffer.from(body).toString('latin1')}`),
        )
        assert.deepEqual(end, { next: items.length, isLost: false, complaints: [] })
      }),
      { numRuns: 300 },
    )
  })

  it('ends on any bytes, and either gives all items or says that it did not', async () => {
    const words = fc.constantFrom(
      '- a\n',
      '- b\n',
      'ERROR: x : a\n',
      `${SUMMARY}`,
      '\n',
      'Enter password:\n',
      'MZ',
      '\0',
      '- a',
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(words, { maxLength: 30 }),
        fc.option(fc.nat(8), { nil: undefined }),
        async (log, size) => {
          const items = [item(0, 'a', { size }), item(1, 'b', { size: 2, isEncrypted: true })]
          const { end, items: taken } = await take(items, steps(Buffer.from(log.join('')), 7))
          assert.ok(end.next <= 2 && taken.length <= 2)
        },
      ),
      { numRuns: 1000 },
    )
  })
})

function steps(bytes: Buffer, step: number): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / step) }, (_, i) => bytes.subarray(i * step, (i + 1) * step))
}

const LISTING = `
7-Zip (z) 26.03 (x64)

Listing archive: /sample

--
Path = /sample
Type = 7z
WARNINGS:
There are data after the end of archive
Offset = 1000
Physical Size = 205782
Tail Size = 20

----------
Path = d
Size = 0
Attributes = D drwxr-xr-x
Encrypted = -

Path = a = b
Size = 6
Attributes = A -rw-r--r--
Encrypted = +
Method = LZMA2:19 7zAES:19

Path = link
Size = 11
Attributes = A lrwxrwxrwx
Symbolic Link = /etc/passwd

Path = c
Size = 
Comment = 
{
Size = 99
Encrypted = -
}

`

describe('the listing', () => {
  const read = (text: string, maxItems = 100, step = 11) => {
    const reader = new ListingReader(maxItems)
    for (const chunk of steps(Buffer.from(text), step)) reader.write(chunk)
    return reader.end()
  }

  it('tells names, lengths, folders, links and locks; a comment overwrites nothing', () => {
    const { items, ...rest } = read(LISTING)
    assert.deepEqual(rest, {
      isCut: false,
      offset: 1000,
      physicalSize: 205782,
      isVolume: false,
      complaints: ['There are data after the end of archive'],
      asksPassword: false,
    })
    assert.deepEqual(items, [
      item(0, 'd', { isFolder: true }),
      item(1, 'a = b', { size: 6, isEncrypted: true, method: 'LZMA2:19 7zAES:19' }),
      item(2, 'link', { size: undefined, isLink: true }),
      item(3, 'c', { size: undefined }),
    ])
  })

  it('says when there are more items, or longer lines, than it takes', () => {
    assert.deepEqual(
      { ...read(LISTING, 2), items: read(LISTING, 2).items.length },
      { ...read(LISTING), isCut: true, items: 2 },
    )
    assert.equal(read(`----------\nPath = ${'x'.repeat(300_000)}`, 100, 65_536).isCut, true)
  })

  it('understands a refusal', () => {
    const text =
      'ERROR: /sample : /sample\nOpen ERROR: Cannot open the file as [7z] archive\n\n\nERRORS:\nIs not archive\n'
    const { complaints, items } = read(`\nEnter password:\n${text}`)
    assert.equal(items.length, 0)
    assert.ok(complaints.some((line) => line.includes('Cannot open')))
    assert.equal(read(`\nEnter password:\n${text}`).asksPassword, true)
  })

  it('ends on any text', () => {
    const words = fc.constantFrom(
      '----------\n',
      'Path = a\n',
      'Size = ',
      '\n',
      '7',
      'ERRORS:\n',
      'Comment = \n{',
      '}\n',
      '\xff',
    )
    fc.assert(
      fc.property(fc.array(words, { maxLength: 60 }), (log) => {
        assert.ok(read(log.join('')).items.length <= 60)
      }),
    )
  })
})

describe('what 7-Zip complains of', () => {
  const cases = [
    ['Wrong password?', 'encrypted'],
    ['Unsupported Method', 'not-unpacked'],
    ['Missing volume : sample.r00', 'not-unpacked'],
    ["Can't allocate required memory", 'too-large'],
    ['CRC Failed', 'malformed'],
    ['anything else', 'malformed'],
  ] as const
  for (const [words, reason] of cases) it(`is ${reason}: ${words}`, () => assert.equal(damageOf(words).reason, reason))

  it('is not what the member is called', () => {
    assert.equal(itemDamage('ERROR: CRC Failed : Wrong password', 'Wrong password').reason, 'malformed')
  })
})
