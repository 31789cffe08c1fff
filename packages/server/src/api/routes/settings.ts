import { z } from 'zod'
import {
  API_BASE,
  applySettingsSchema,
  historySchema,
  saveSettingsSchema,
  settingsSavedSchema,
  settingsViewSchema,
} from '../contract.ts'
import type { ApiDeps } from '../deps.ts'
import { changed, json, type Route, route } from '../route.ts'

/** Three pages of 5 MB, JSON-escaped, and a client list. */
const MAX_SETTINGS_BYTES = 32 * 1024 * 1024

type SettingsDeps = Pick<
  ApiDeps,
  'readSettings' | 'saveSettings' | 'applySettings' | 'exportSettings' | 'settingsHistory' | 'rollbackSettings'
>

export function settingsRoutes(deps: SettingsDeps, by: string): Route[] {
  return [...readRoutes(deps), ...changeRoutes(deps, by)]
}

function readRoutes(deps: SettingsDeps): Route[] {
  return [
    route({
      method: 'GET',
      path: `${API_BASE}/settings`,
      summary: 'Every setting with its value (secrets masked) and where that comes from',
      answers: settingsViewSchema,
      handle: async () => json(await deps.readSettings()),
    }),
    route({
      method: 'GET',
      path: `${API_BASE}/settings/export`,
      summary: 'The settings as a YAML file that apply takes; secrets left out',
      answers: 'application/yaml',
      handle: async () => ({ kind: 'text', type: 'application/yaml', text: await deps.exportSettings() }),
    }),
    route({
      method: 'GET',
      path: `${API_BASE}/settings/history`,
      summary: 'Who changed what, newest first',
      answers: historySchema,
      handle: async () => json({ entries: await deps.settingsHistory() }),
    }),
  ]
}

function changeRoutes(deps: SettingsDeps, by: string): Route[] {
  return [
    route({
      method: 'PUT',
      path: `${API_BASE}/settings`,
      summary: 'Saves several settings at once; answers when every worker uses them',
      body: saveSettingsSchema,
      maxBodyBytes: MAX_SETTINGS_BYTES,
      answers: settingsSavedSchema,
      handle: async ({ body }) => changed(await deps.saveSettings({ ...body, by })),
    }),
    route({
      method: 'POST',
      path: `${API_BASE}/settings/apply`,
      summary: 'Applies a YAML settings file; what it does not name stays',
      body: applySettingsSchema,
      maxBodyBytes: MAX_SETTINGS_BYTES,
      answers: settingsSavedSchema,
      handle: async ({ body }) => changed(await deps.applySettings({ ...body, by })),
    }),
    route({
      method: 'POST',
      path: `${API_BASE}/settings/rollback/:revision`,
      summary: 'Makes the settings as they were at that revision',
      params: z.strictObject({ revision: z.coerce.number().int().nonnegative() }),
      answers: settingsSavedSchema,
      handle: async ({ params }) => changed(await deps.rollbackSettings({ ...params, by })),
    }),
  ]
}
