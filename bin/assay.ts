import { main } from '@assay/server/cli'
import type { CliTools } from '../packages/server/src/cli/tools.ts'

// Loaded only by the commands that need the server's parts: `assay status` answers without them.
const server = () => import('@assay/server/main')

const tools: CliTools = {
  serve: async (options) => (await server()).serve(options),
  scan: async function* (options) {
    yield* (await server()).scan(options)
  },
  checkDatabase: async (data) => (await server()).checkDatabase(data),
  confineTool: async () => (await server()).confineTool(),
  checkRules: async (file) => (await server()).checkRules(file),
  retroScan: async function* (options) {
    yield* (await server()).retroScan(options)
  },
  modelFeatures: async (query) => (await server()).modelFeatures(query),
}

process.exitCode = await main(process.argv.slice(2), tools)
