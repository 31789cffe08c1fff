import { type Dialect, PostgresDialect, type PostgresPool, type PostgresPoolClient } from 'kysely'
import { Pool, type PoolClient, types } from 'pg'
import { StoreError } from './errors.ts'

const MAX_CONNECTIONS = 4
const CONNECT_TIMEOUT_MS = 5000
const INT8 = 20

/** Kysely over `pg`. A server that stops answering costs `timeoutMs`, then StoreError STORE_TIMEOUT, never a hang. */
export function postgresDialect(databaseUrl: string, timeoutMs: number): Dialect {
  const pool = new Pool({
    connectionString: databaseUrl,
    max: MAX_CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: timeoutMs,
    statement_timeout: timeoutMs,
    keepAlive: true,
    application_name: 'assay',
    types: { getTypeParser: (oid, format) => (oid === INT8 ? Number : types.getTypeParser(oid, format)) },
  })
  // An idle connection that breaks is replaced at the next use; without a listener it would end the process.
  pool.on('error', () => {})
  return new PostgresDialect({ pool: guarded(pool) })
}

// pg puts a client whose query timed out back into the pool, where the next query waits behind the lost one.
function guarded(pool: Pool): PostgresPool {
  return {
    options: pool.options,
    connect: async () => guardedClient(await pool.connect()),
    end: () => pool.end(),
  }
}

function guardedClient(client: PoolClient): PostgresPoolClient {
  let isLost = false
  const query = async (sql: string, parameters: readonly unknown[]) => {
    if (isLost) throw new StoreError('STORE_TIMEOUT')
    try {
      return await client.query(sql, parameters as unknown[])
    } catch (error) {
      if (!(error instanceof Error) || error.message !== 'Query read timeout') throw error
      isLost = true
      throw new StoreError('STORE_TIMEOUT', '', { cause: error })
    }
  }
  const release = (destroy?: boolean) => client.release(isLost || destroy === true)
  return { query, release } as unknown as PostgresPoolClient
}
