import type { HandlerConfig } from '../icap-service/handler-deps.ts'
import { compilePages } from '../icap-service/notification-page.ts'
import type { Config } from '../settings/settings.ts'
import { scanSettings } from './scan-settings.ts'

/** The handler's settings, compiled once a change. `sha1`: a list holds SHA-1 entries. */
export function handlerConfig(config: Config, sha1: boolean): HandlerConfig {
  return {
    send: {
      virusId: config['headers.send.virusId'],
      infectionFound: config['headers.send.infectionFound'],
      responseDesc: config['headers.send.responseDesc'],
    },
    save: {
      clientIp: config['headers.save.clientIp'],
      serverIp: config['headers.save.serverIp'],
      authenticatedUser: config['headers.save.authenticatedUser'],
      authenticatedGroups: config['headers.save.authenticatedGroups'],
      clientUsername: config['headers.save.clientUsername'],
    },
    bypassUrlInRespmod: config['scan.bypassUrlInRespmod'],
    scanSettings: scanSettings(config),
    pages: compilePages({
      urlAccess: config['pages.urlAccess'],
      fileUpload: config['pages.fileUpload'],
      fileDownload: config['pages.fileDownload'],
    }),
    intake: {
      memoryBytes: config['intake.memoryThresholdBytes'],
      maxBytes: config['intake.maxSpoolBytes'],
      endlessAfterBytes: config['intake.endlessAfterBytes'],
      endlessAfterMs: config['intake.endlessAfterS'] * 1000,
      sha1,
      md5: false,
    },
    streams: {
      types: config['intake.endlessTypes'],
      afterMs: config['intake.endlessTypesAfterS'] * 1000,
      maxBytesPerS: config['intake.endlessBytesPerSecond'],
      byNatureAfterMs: 2000,
      maxPassMs: config['intake.endlessMaxS'] * 1000,
    },
  }
}
