import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isExcluded, PREDEFINED_TYPES } from '../../src/scan/content-types.ts'
import { typeNamed } from '../../src/scan/true-types.ts'

const ALL = ['image/*', 'video/mp4', 'font/*', 'application/x-foo', 'text/html']
const body = (
  declaredType: string,
  more: { compressed?: boolean; isPreviewOnly?: boolean; trueType?: string } = {},
) => ({
  declaredType,
  compressed: more.compressed ?? false,
  isPreviewOnly: more.isPreviewOnly ?? false,
  fileName: '',
  ...(more.trueType === undefined ? {} : { trueType: typeNamed(more.trueType) }),
})
const settings = (validate: boolean, types: readonly string[] = ALL, enabled = true) => ({ enabled, types, validate })

const CASES = [
  [settings(true, ALL, false), body('image/png', { trueType: 'png' }), 'scan', 'exclusion is off'],
  [settings(false), body('image/png'), 'excluded', 'without validation the declared type is believed'],
  [
    settings(false),
    body('image/png', { compressed: true }),
    'excluded',
    'without validation compression does not matter',
  ],
  [settings(false), body('application/x-foo'), 'excluded', 'a custom type is believed too'],
  [settings(false), body('text/html'), 'excluded', 'even an active type, if it is named outright'],
  [settings(false), body('image/svg+xml'), 'scan', 'a family never means its active types'],
  [settings(false), body('video/webm'), 'scan', 'the type is not listed'],
  [settings(false), body(''), 'scan', 'no type is declared'],
  [settings(false), body('image'), 'scan', 'what is declared is no type'],
  [settings(true), body('image/png'), 'needs-true-type', 'the bytes have to agree'],
  [settings(true), body('image/png', { trueType: 'jpg' }), 'excluded', 'the family agrees'],
  [settings(true), body('image/png', { trueType: 'pe' }), 'scan', 'a program calls itself an image'],
  [settings(true), body('image/png', { trueType: 'svg' }), 'scan', 'an active type calls itself passive'],
  [settings(true), body('image/png', { trueType: 'data' }), 'scan', 'the bytes say nothing'],
  [settings(true), body('image/png', { compressed: true, trueType: 'png' }), 'scan', 'case 1: HTTP compression'],
  [settings(true), body('image/png', { isPreviewOnly: true }), 'scan', 'case 2: a preview that cannot decide'],
  [
    settings(true),
    body('image/png', { isPreviewOnly: true, trueType: 'png' }),
    'excluded',
    'a preview that can decide',
  ],
  [settings(true), body('application/x-foo', { trueType: 'png' }), 'scan', 'case 3: a custom type'],
  [settings(true), body('text/html', { trueType: 'html' }), 'scan', 'case 4: an active type'],
  [settings(true), body('video/mp4', { trueType: 'mp4' }), 'excluded', 'an exact type of a predefined family'],
  [
    settings(true, ['application/font-woff']),
    body('application/font-woff', { trueType: 'woff' }),
    'excluded',
    'fonts have old names',
  ],
] as const

describe('content-type exclusion', () => {
  for (const [when, what, answer, because] of CASES) {
    it(`${answer}: ${because}`, () => assert.equal(isExcluded(when, what), answer))
  }

  it('predefines only passive families', () => {
    assert.ok(PREDEFINED_TYPES.every((type) => /^(?:image|audio|video|font)\/\*$|font/.test(type)))
  })
})
