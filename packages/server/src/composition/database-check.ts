import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseCheck } from '../cli/tools.ts'
import { type DatabaseLocation, openDatabase } from '../store/database.ts'

/** PostgreSQL where ASSAY_DATABASE_URL names one, else SQLite in the data folder. */
export function databaseLocation(
  data: string,
  environment: Readonly<Record<string, string | undefined>>,
): DatabaseLocation {
  const databaseUrl = environment.ASSAY_DATABASE_URL
  return databaseUrl === undefined || databaseUrl === '' ? { dataDir: data } : { databaseUrl }
}

/** Whether the store that a server with this data folder would open can be opened. SQLite is not made by it. */
export async function checkDatabase(data: string): Promise<DatabaseCheck> {
  const location = databaseLocation(data, process.env)
  if ('dataDir' in location && !existsSync(join(data, 'assay.db')))
    return { reachable: true, detail: 'SQLite, made at the first start' }
  try {
    const database = await openDatabase(location)
    await database.close()
    return { reachable: true, detail: database.engine === 'sqlite' ? 'SQLite' : 'PostgreSQL' }
  } catch (error) {
    return { reachable: false, detail: (error as Error).message }
  }
}
