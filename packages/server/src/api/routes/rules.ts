import { z } from 'zod'
import { API_BASE, addRuleFileSchema, ruleFileNameSchema, ruleFileSchema, ruleFilesSchema } from '../contract.ts'
import type { ApiDeps } from '../deps.ts'
import { changed, json, type Route, route } from '../route.ts'

/** 16 MiB of rule text, JSON-escaped. */
const MAX_RULE_FILE_BYTES = 24 * 1024 * 1024

export function ruleRoutes({ rules }: Pick<ApiDeps, 'rules'>, by: string): Route[] {
  return [
    route({
      method: 'GET',
      path: `${API_BASE}/rules`,
      summary: 'The YARA rule files and the state of each',
      answers: ruleFilesSchema,
      handle: async () => json({ files: await rules.list() }),
    }),
    route({
      method: 'POST',
      path: `${API_BASE}/rules`,
      summary: 'Adds or replaces a rule file; one that does not compile is kept apart and says why',
      body: addRuleFileSchema,
      maxBodyBytes: MAX_RULE_FILE_BYTES,
      answers: z.strictObject({ file: ruleFileSchema }),
      handle: async ({ body }) => changed(await rules.add({ ...body, by })),
    }),
    route({
      method: 'DELETE',
      path: `${API_BASE}/rules/:name`,
      summary: 'Removes a rule file',
      params: ruleFileNameSchema,
      answers: z.strictObject({ removed: z.boolean() }),
      handle: async ({ params }) => changed(await rules.remove({ ...params, by })),
    }),
  ]
}
