import { EICAR } from '../samples.ts'
import { type RuleCase, wide } from './rule-case.ts'

const base64Of = (text: string) => Buffer.from(text, 'latin1').toString('base64')

export const EICAR_CASES: readonly RuleCase[] = [
  {
    rule: 'Eicar_Test_File',
    hit: EICAR,
    swap: ['EICAR', 'EICAP'],
    because: 'another word',
    moreHits: [`padding ${'x'.repeat(5000)}${EICAR}${'y'.repeat(5000)}`, wide(EICAR)],
    moreMisses: [EICAR.slice(0, -1), EICAR.toLowerCase()],
  },
  {
    rule: 'Eicar_Test_File_Base64',
    hit: base64Of(`${EICAR} and more`),
    swap: [base64Of(EICAR.slice(0, 30)), base64Of('EICAR-STANDARD-LONGER-OR-NOTHI')],
    because: 'another text',
    moreHits: ['a', 'ab'].map((before) => base64Of(`${before}${EICAR} and more`)),
    moreMisses: [base64Of(EICAR.slice(0, 60))],
  },
]
