import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { TOP } from '../e2e/needs.ts'
import { newFolder } from './server-rig.ts'

export interface ClosedCheckout {
  readonly path: string
  close(): void
}

/** This checkout once more, in a folder that only root may enter. */
export function closedCheckout(): ClosedCheckout {
  const folder = newFolder()
  const closed = join(folder, 'closed')
  const path = join(closed, 'checkout')
  mkdirSync(path, { recursive: true })
  chmodSync(closed, 0o700)
  assert.equal(spawnSync('mount', ['--bind', TOP, path]).status, 0)
  return {
    path,
    close() {
      // Who still stands in it keeps a plain umount from working.
      if (spawnSync('umount', [path]).status !== 0) spawnSync('umount', ['-l', path])
      assert.ok(!readFileSync('/proc/self/mountinfo', 'utf8').includes(path), `${path} is still mounted`)
      // Never a recursive removal: while it is mounted, that would be one of the checkout itself.
      for (const empty of [path, closed, folder]) rmdirSync(empty)
    },
  }
}
