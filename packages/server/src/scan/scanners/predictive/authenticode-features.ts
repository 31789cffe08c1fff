/** Columns 2472-2479 of the vector. Times in seconds since 1970. */
export interface AuthenticodeFeatures {
  /** SignedData structures, nested ones counted too. */
  readonly signatures: number
  readonly selfSigned: boolean
  readonly noProgramName: boolean
  readonly noCountersigner: boolean
  readonly parseError: boolean
  /** Certificates in the SignedData that has most. */
  readonly chainLength: number
  readonly latestSigningTime: number
  /** Of the last countersignature read, against the PE's own timestamp. */
  readonly signingTimeDifference: number
}

/** An unsigned file: eight zeros (its parse error is 0 too: the published models' split counts prove it). */
export const NO_AUTHENTICODE: AuthenticodeFeatures = {
  signatures: 0,
  selfSigned: false,
  noProgramName: false,
  noCountersigner: false,
  parseError: false,
  chainLength: 0,
  latestSigningTime: 0,
  signingTimeDifference: 0,
}
