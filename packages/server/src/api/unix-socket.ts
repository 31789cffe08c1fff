import { once } from 'node:events'
import { chmodSync, closeSync, mkdtempSync, openSync, renameSync, rmdirSync, rmSync } from 'node:fs'
import { connect, type Server } from 'node:net'
import { join } from 'node:path'

/** sockaddr_un.sun_path holds 108 bytes on Linux, 104 elsewhere, with its NUL. */
const MAX_PATH_BYTES = 100

/**
 * Makes `server` listen on `folder/name`, mode 0600 from the first moment: bound inside a folder that only we can enter, then
 * renamed over whatever a dead server left. Works for a path of any length where /proc is mounted.
 * Rejects when another server answers on it. Returns what closes the door again.
 */
export async function listenOnSocket(server: Server, folder: string, name: string): Promise<() => void> {
  const path = join(folder, name)
  if (await answers(folder, name)) throw new Error(`another server answers on ${path}`)
  const nursery = mkdtempSync(join(folder, '.socket-'))
  const door = openFolder(nursery)
  try {
    server.listen(reachable(door, nursery, 's'))
    await once(server, 'listening')
    chmodSync(join(nursery, 's'), 0o600)
    renameSync(join(nursery, 's'), path)
  } catch (error) {
    door.close()
    throw new Error(`cannot listen on ${path}`, { cause: error })
  } finally {
    rmSync(join(nursery, 's'), { force: true })
    rmdirSync(nursery)
  }
  // The folder's descriptor stays ours until then: libuv unlinks the path it bound when the server closes.
  return () => {
    rmSync(path, { force: true })
    door.close()
  }
}

async function answers(folder: string, name: string): Promise<boolean> {
  const door = openFolder(folder)
  try {
    const socket = connect(reachable(door, folder, name))
    return await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    }).finally(() => socket.destroy())
  } finally {
    door.close()
  }
}

interface Folder {
  readonly fd: number
  close(): void
}

function openFolder(path: string): Folder {
  const fd = openSync(path, 'r')
  return { fd, close: () => closeSync(fd) }
}

/** A short name of the same place, where there is one. */
function reachable({ fd }: Folder, folder: string, name: string): string {
  if (process.platform === 'linux') return `/proc/self/fd/${fd}/${name}`
  const path = join(folder, name)
  if (Buffer.byteLength(path) <= MAX_PATH_BYTES) return path
  throw new Error(
    `the data folder's path is too long for a Unix socket (${path}): choose one under ${MAX_PATH_BYTES - name.length} bytes`,
  )
}
