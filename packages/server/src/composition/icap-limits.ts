import type { IcapLimits } from '@assay/icap'
import type { Config } from '../settings/settings.ts'

/** The protocol's limits as the settings state them; the others stay at the package's defaults. */
export function icapLimits(config: Config): Partial<IcapLimits> {
  return {
    maxHeadBytes: config['icap.maxHeaderBytes'],
    maxHeadLines: config['icap.maxHeaderLines'],
    maxEncapsulatedBytes: config['icap.maxHeaderBytes'],
    headTimeoutMs: config['icap.headerTimeoutMs'],
    idleTimeoutMs: config['icap.idleTimeoutMs'],
    bodyIdleTimeoutMs: config['icap.bodyIdleTimeoutMs'],
    minBodyBytesPerS: config['icap.minBytesPerSecond'],
    minReplyBytesPerS: config['icap.minReplyBytesPerSecond'],
    writeTimeoutMs: config['icap.writeTimeoutMs'],
  }
}
