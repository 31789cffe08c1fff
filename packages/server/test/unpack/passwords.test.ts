import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { createPasswordTrial, passwordCounts } from '../../src/unpack/passwords.ts'
import { nodeOf } from './recording-run.ts'

const node = (fileName = '', within: string[] = []) =>
  nodeOf(Buffer.from('x'), { type: 'zip', fileName, within: within.map((name) => ({ type: 'eml', fileName: name })) })

const texts: readonly (readonly [text: string, password: string])[] = [
  ['The password is: Abc123!', 'Abc123!'],
  ['Password: 4711.', '4711'],
  ['Das Passwort lautet "geheim99"', 'geheim99'],
  ['Kennwort = x7_y', 'x7_y'],
  ['PW:0815', '0815'],
  ['pw 9911', '9911'],
  ['pass - hunter2', 'hunter2'],
  ['Le mot de passe est: soleil', 'soleil'],
  ['Contraseña: perro1', 'perro1'],
  ['Пароль: тайна', 'тайна'],
  ['密码：888999', '888999'],
  ['解压密码：888999', '888999'],
  ['パスワードは"abc"です password: abc', 'abc'],
  ['password for the archive: two words here', 'two words here'],
  ['<p>Password:&nbsp;<b>a&amp;b1</b></p>', 'a&b1'],
  ['open it with «clef»', 'clef'],
  ['Use code A77-QX to open the file', 'A77-QX'],
  ['password: password1', 'password1'],
  ['Password:\r\n\r\n  2024-xyz\r\n', '2024-xyz'],
  ['Archive password is infected, be careful', 'infected'],
]

describe('passwords', () => {
  for (const [text, password] of texts) {
    it(`finds ${JSON.stringify(password)} in ${JSON.stringify(text)}`, () => {
      const trial = createPasswordTrial({ listed: ['zzz'] })
      trial.note(text)
      assert.ok(trial.candidates(node()).includes(password), trial.candidates(node()).join(' | '))
      assert.equal(trial.describe(password), "from the mail's text")
    })
  }

  it('tries what the mail says before the list, what is far from a word for "password" last of it', () => {
    const trial = createPasswordTrial({ listed: ['virus'] })
    trial.note('Hello B2B, password: q1w2')
    assert.deepEqual(trial.candidates(node('b.zip')), ['q1w2', 'b', 'b.zip', 'B2B', 'Hello', 'password', 'virus'])
  })

  it('takes words of the archive’s name and of what holds it', () => {
    const names = createPasswordTrial({ listed: [] }).candidates(node('Invoice_4711 (pw abc).zip', ['mail-99881.eml']))
    for (const name of ['abc', '4711', 'Invoice', 'Invoice_4711 (pw abc)', '99881'])
      assert.ok(names.includes(name), `${name} in ${names.join(' | ')}`)
  })

  it('tells where a password comes from without telling it', () => {
    const trial = createPasswordTrial({ listed: ['a', 'b', 'virus'] })
    assert.equal(trial.describe('virus'), 'listed #3')
    assert.equal(trial.describe('4711'), 'from the name')
  })

  it('keeps the order of the list until one has opened something, and remembers over walks', () => {
    const counts = passwordCounts()
    const listed = ['a', 'b', 'c']
    const first = createPasswordTrial({ listed, counts })
    assert.deepEqual(first.candidates(node()), ['a', 'b', 'c'])
    first.succeeded('c')
    assert.deepEqual(first.candidates(node()), ['c', 'a', 'b'])
    assert.deepEqual(createPasswordTrial({ listed, counts }).candidates(node()), ['c', 'a', 'b'])
    assert.deepEqual(createPasswordTrial({ listed }).candidates(node()), ['a', 'b', 'c'])
  })

  it('tries first what opened the neighbour, also where it stands in no list', () => {
    const trial = createPasswordTrial({ listed: ['a'] })
    trial.succeeded('odd')
    assert.equal(trial.candidates(node('b.zip'))[0], 'odd')
  })

  it('gives no more than maxTries, and half of them to the list however long the mail', () => {
    const listed = Array.from({ length: 500 }, (_, index) => `listed${index}`)
    const trial = createPasswordTrial({ listed })
    trial.note(Array.from({ length: 9000 }, (_, index) => `w0rd${index} password: x${index}`).join(' '))
    const candidates = trial.candidates(node('name.zip'))
    assert.equal(candidates.length, 200)
    assert.equal(candidates.filter((one) => one.startsWith('listed')).length, 100)
    assert.equal(createPasswordTrial({ listed, maxTries: 0 }).candidates(node()).length, 0)
  })

  it('gives each password once and none that is empty', () => {
    const trial = createPasswordTrial({ listed: ['abc', 'abc', ''] })
    trial.note('password: abc "abc" abc')
    const candidates = trial.candidates(node('abc.zip'))
    assert.equal(new Set(candidates).size, candidates.length)
    assert.ok(!candidates.includes(''))
  })

  it('reads any text within bounds', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), fc.string(), (notes, name) => {
        const trial = createPasswordTrial({ listed: ['a'], maxTries: 20 })
        for (const text of notes) trial.note(text)
        assert.ok(trial.candidates(node(name)).length <= 20)
      }),
    )
  })

  it('comes to an end on texts made to be slow', () => {
    for (const piece of ['password ', 'pass word: ', '"', '<a ', 'password for the archive ', '&', '\t'])
      createPasswordTrial({ listed: [] }).note(piece.repeat(100_000))
  })
})
