import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seccompFilter } from '../../src/unpack/seccomp-filter.ts'

const ALLOW = 0x7fff0000
const EPERM = 0x00050001
const ENOSYS = 0x00050026
const KILL = 0x80000000

interface Call {
  readonly arch: number
  readonly number: number
  readonly args?: readonly number[]
}

/** Runs the filter as the kernel does (filter.rst): loads, jumps and returns are all that it has. */
function judge(filter: Buffer, { arch, number, args = [] }: Call): number {
  const data = Buffer.alloc(64)
  data.writeUInt32LE(number, 0)
  data.writeUInt32LE(arch, 4)
  for (const [i, value] of args.entries()) data.writeBigUInt64LE(BigInt(value), 16 + 8 * i)
  let value = 0
  for (let at = 0; at < filter.length; at += 8) {
    const code = filter.readUInt16LE(at)
    const constant = filter.readUInt32LE(at + 4)
    const skip = (holds: boolean) => (filter[at + (holds ? 2 : 3)] as number) * 8
    if (code === 0x06) return constant
    else if (code === 0x20) value = data.readUInt32LE(constant)
    else if (code === 0x15) at += skip(value === constant)
    else if (code === 0x35) at += skip(value >= constant)
    else if (code === 0x45) at += skip((value & constant) !== 0)
    else assert.fail(`code ${code}`)
  }
  return assert.fail('it ends without an answer')
}

const X64 = 0xc000003e
const ARM64 = 0xc00000b7

const CASES = [
  {
    arch: 'x64',
    audit: X64,
    allow: [0, 1, 3, 9, 59, 231, 302],
    refuse: [41, 101, 165, 272, 321, 425],
    clone: 56,
    openat: 257,
  },
  {
    arch: 'arm64',
    audit: ARM64,
    allow: [63, 64, 57, 222, 221, 94, 261],
    refuse: [198, 117, 40, 97, 280, 425],
    clone: 220,
    openat: 56,
  },
]

describe('the system call filter', () => {
  for (const { arch, audit, allow, refuse, clone, openat } of CASES) {
    const filter = seccompFilter(arch) as Buffer
    const answer = (number: number, ...args: number[]) => judge(filter, { arch: audit, number, args })

    it(`lets ${arch} programs work, and refuses what escapes are made of`, () => {
      for (const number of allow) assert.equal(answer(number), ALLOW, String(number))
      for (const number of refuse) assert.equal(answer(number), EPERM, String(number))
    })

    it(`lets ${arch} programs make threads and processes, but no namespaces`, () => {
      assert.equal(answer(clone, 0x3d0f00), ALLOW)
      assert.equal(answer(clone, 17), ALLOW)
      for (const flag of [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000])
        assert.equal(answer(clone, 17 + flag), EPERM, flag.toString(16))
      assert.equal(answer(435, 0), ENOSYS)
    })

    it(`lets ${arch} programs open for reading only`, () => {
      assert.equal(answer(openat, 0, 0, 0o2000000), ALLOW)
      for (const flags of [1, 2, 0o100, 0o1000, 0o20200000 | 2]) assert.equal(answer(openat, 0, 0, flags), EPERM)
      assert.equal(answer(437), ENOSYS)
    })

    it(`kills on ${arch} what calls as another architecture`, () => {
      for (const other of [0x40000003, 0x40000028, audit === X64 ? ARM64 : X64])
        assert.equal(judge(filter, { arch: other, number: 0 }), KILL)
    })
  }

  it('kills calls of the x32 kind', () => {
    assert.equal(judge(seccompFilter('x64') as Buffer, { arch: X64, number: 0x40000000 + 1 }), KILL)
  })

  it('is not there for other machines', () => assert.equal(seccompFilter('ia32'), undefined))
})
