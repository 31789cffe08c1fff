/** Whose ICAP headers a client understands; `trend` is the appliance's. */
export const DIALECTS = ['trend', 'mcafee', 'symantec', 'opswat', 'c-icap'] as const

export type Dialect = (typeof DIALECTS)[number]
