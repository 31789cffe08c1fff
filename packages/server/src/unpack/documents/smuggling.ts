import type { Finding } from '../opener.ts'
import type { Payload, PayloadKind } from '../scripts/payload.ts'
import { printable } from './printable.ts'

/** What the page does with bytes of its own. */
export interface Delivery {
  /** Makes a file of bytes: Blob, File, createObjectURL, msSaveOrOpenBlob. */
  readonly makesFile: boolean
  /** Names it for saving: `download`, msSave. */
  readonly names: boolean
  /** Does so without a click: `.click()`, location, at load. */
  readonly acts: boolean
}

export function deliveryOf(text: string, downloads: readonly string[]): Delivery {
  return {
    makesFile: /\bnew\s{1,9}(?:Blob|File)\s{0,4}\(|createObjectURL|msSave(?:OrOpen)?Blob|webkitURL/.test(text),
    names:
      downloads.length > 0 ||
      /\.download\s{0,4}=(?!=)|msSave(?:OrOpen)?Blob|setAttribute\(\s{0,4}["']download|saveAs\s{0,4}\(/.test(text),
    acts: /\.click\s{0,4}\(\s{0,4}\)|dispatchEvent\s{0,4}\(|msSave(?:OrOpen)?Blob|location(?:\.href)?\s{0,4}=(?!=)|\.submit\s{0,4}\(/.test(
      text,
    ),
  }
}

/** A file that a page builds in the browser. What no harmless page hides is high; an archive only where it is pushed out unasked. */
export function judgeSmuggled({ kind, how, bytes }: Payload, delivery: Delivery, offset: number): Finding | undefined {
  const risk = riskOf(kind, delivery)
  if (risk === undefined) return undefined
  const detail = printable(
    `a hidden ${kind} of ${bytes.length} bytes (${how})${delivery.acts ? ', handed out unasked' : ''}`,
  )
  return { name: 'Html.Smuggling', risk, attack: 'T1027.006', detail, offset }
}

function riskOf(kind: PayloadKind, { makesFile, names, acts }: Delivery): Finding['risk'] | undefined {
  const isFile = makesFile || names
  switch (kind) {
    case 'program':
      return isFile ? 'high' : 'medium'
    case 'archive':
      return isFile && acts ? 'high' : 'medium'
    case 'script':
    case 'document':
      return isFile ? 'medium' : undefined
    default:
      return undefined
  }
}
