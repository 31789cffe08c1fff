import { z } from 'zod'
import {
  API_BASE,
  addRuleFileSchema,
  checkRuleFileSchema,
  ruleCheckSchema,
  ruleFileDetailSchema,
  ruleFileNameSchema,
  ruleFileSchema,
  ruleFilesSchema,
  ruleHitsSchema,
  ruleOptionsSchema,
} from '../contract.ts'
import type { ApiDeps } from '../deps.ts'
import { Refusal } from '../errors.ts'
import { changed, json, type Route, route } from '../route.ts'

/** 16 MiB of rule text, JSON-escaped. */
const MAX_RULE_FILE_BYTES = 24 * 1024 * 1024

export function ruleRoutes({ rules }: Pick<ApiDeps, 'rules'>, by: string): Route[] {
  return [...readingRoutes(rules), ...changingRoutes(rules, by)]
}

function readingRoutes(rules: ApiDeps['rules']): Route[] {
  return [
    route({
      method: 'GET',
      path: `${API_BASE}/rules`,
      summary: 'The YARA rule files and the state of each',
      answers: ruleFilesSchema,
      handle: async () => json({ files: await rules.list() }),
    }),
    route({
      method: 'GET',
      path: `${API_BASE}/rules/hits`,
      summary: 'How often each rule has hit since the start, enforced and in shadow',
      answers: z.strictObject({ hits: z.array(ruleHitsSchema).readonly() }),
      handle: async () => json({ hits: await rules.hits() }),
    }),
    route({
      method: 'GET',
      path: `${API_BASE}/rules/:name`,
      summary: 'One rule file: its warnings, its hits, and what each rule costs, measured now',
      params: ruleFileNameSchema,
      answers: ruleFileDetailSchema,
      async handle({ params }) {
        const detail = await rules.show(params.name)
        if (detail === undefined) throw new Refusal('NOT_FOUND', 'there is no rule file of this name')
        return json(detail)
      },
    }),
    route({
      method: 'POST',
      path: `${API_BASE}/rules/check`,
      summary: 'Tells all errors and warnings of a rule file, and what its rules cost, without installing it',
      body: checkRuleFileSchema,
      maxBodyBytes: MAX_RULE_FILE_BYTES,
      answers: z.strictObject({ check: ruleCheckSchema }),
      handle: async ({ body }) => changed(await rules.check(body)),
    }),
  ]
}

function changingRoutes(rules: ApiDeps['rules'], by: string): Route[] {
  return [
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
      method: 'PUT',
      path: `${API_BASE}/rules/:name/options`,
      summary: 'Enables or disables a rule file, puts it in shadow, gives it a weight or the types it is asked about',
      params: ruleFileNameSchema,
      body: ruleOptionsSchema,
      answers: z.strictObject({ file: ruleFileSchema }),
      handle: async ({ params, body }) => changed(await rules.setOptions({ ...params, ...body, by })),
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
