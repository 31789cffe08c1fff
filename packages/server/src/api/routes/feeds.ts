import { z } from 'zod'
import {
  API_BASE,
  addFeedSchema,
  enableFeedSchema,
  feedNameSchema,
  feedPreviewSchema,
  feedsSchema,
  oneFeedSchema,
  previewFeedSchema,
  syncFeedSchema,
} from '../contract.ts'
import type { ApiDeps } from '../deps.ts'
import { Refusal } from '../errors.ts'
import { changed, json, type Route, route } from '../route.ts'

type Feeds = ApiDeps['feeds']

/** A bundle of authorities and a secret beside the rest. */
const MAX_BODY_BYTES = 256 * 1024

export function feedRoutes({ feeds }: Pick<ApiDeps, 'feeds'>, by: string): Route[] {
  return [...setUpRoutes(feeds, by), ...readingRoutes(feeds, by)]
}

function setUpRoutes(feeds: Feeds, by: string): Route[] {
  return [
    route({
      method: 'GET',
      path: `${API_BASE}/feeds`,
      summary: 'The sources of the synchronized list, and what came of them',
      answers: feedsSchema,
      handle: async () => json({ feeds: await feeds.list() }),
    }),
    route({
      method: 'POST',
      path: `${API_BASE}/feeds`,
      summary: 'Sets up a source; its first reading begins at once',
      body: addFeedSchema,
      answers: oneFeedSchema,
      maxBodyBytes: MAX_BODY_BYTES,
      handle: async ({ body }) => changed(await feeds.add({ ...body, by })),
    }),
    route({
      method: 'GET',
      path: `${API_BASE}/feeds/:name`,
      summary: 'One source',
      params: feedNameSchema,
      answers: oneFeedSchema,
      handle: async ({ params }) => {
        const feed = await feeds.get(params.name)
        if (feed === undefined) throw new Refusal('NOT_FOUND', 'there is no source of this name')
        return json({ feed })
      },
    }),
    route({
      method: 'DELETE',
      path: `${API_BASE}/feeds/:name`,
      summary: 'Removes a source, and what only it names from the list',
      params: feedNameSchema,
      answers: z.strictObject({ removed: z.boolean() }),
      handle: async ({ params }) => changed(await feeds.remove({ ...params, by })),
    }),
  ]
}

function readingRoutes(feeds: Feeds, by: string): Route[] {
  return [
    route({
      method: 'PUT',
      path: `${API_BASE}/feeds/:name/enabled`,
      summary: 'Reads a source by its schedule, or no longer; what it named stays until it expires',
      params: feedNameSchema,
      body: enableFeedSchema,
      answers: oneFeedSchema,
      handle: async ({ params, body }) => changed(await feeds.setEnabled({ ...params, ...body, by })),
    }),
    route({
      method: 'POST',
      path: `${API_BASE}/feeds/:name/sync`,
      summary: 'Has a source read now; its page tells when that is done',
      params: feedNameSchema,
      body: syncFeedSchema,
      answers: oneFeedSchema,
      handle: async ({ params, body }) => changed(await feeds.sync({ ...params, ...body, by })),
    }),
    route({
      method: 'POST',
      path: `${API_BASE}/feeds/:name/preview`,
      summary: 'Reads a source and tells what it would give, without keeping anything',
      params: feedNameSchema,
      answers: feedPreviewSchema,
      handle: async ({ params }) => changed(await feeds.previewOf(params.name)),
    }),
    // Not below /feeds, where it would take a source's name.
    route({
      method: 'POST',
      path: `${API_BASE}/feed-preview`,
      summary: 'The same for a source that is not set up',
      body: previewFeedSchema,
      answers: feedPreviewSchema,
      maxBodyBytes: MAX_BODY_BYTES,
      handle: async ({ body }) => changed(await feeds.preview(body)),
    }),
  ]
}
