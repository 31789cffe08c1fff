import { basename, join } from 'node:path'
import { Unavailable } from '../api/deps.ts'
import type { Config } from '../settings/settings.ts'
import type { DesiredState, Snapshot } from '../supervisor/messages.ts'
import { closedBetween } from './port-check.ts'

type Desired = Omit<DesiredState<Config>, 'seq'>

export interface WorkerStateOptions {
  readonly config: Config
  /** Undefined: they could not be compiled, and the engine is down. */
  readonly rules: Snapshot | undefined
  readonly models: Snapshot | undefined
  /** Makes every worker be so; gives the faults they met. */
  apply(desired: Desired): Promise<readonly string[]>
  /** Calls back for each new list snapshot. */
  onLists(callback: (snapshot: { readonly revision: string; readonly path: string }) => void): () => void
  /** The revision of the lists as the store has them now. */
  listRevision(): Promise<number>
}

/** What the workers must be, and who waits until they are. */
export interface WorkerState {
  /** Settles when the workers serve for the first time. */
  readonly started: Promise<readonly string[]>
  change(part: Partial<Pick<Desired, 'config' | 'rules' | 'models'>>): Promise<readonly string[]>
  /** Resolves when every worker asks lists that have all changes made before the call; rejects where one cannot. */
  listsPublished(): Promise<void>
  close(): void
}

interface ListWaiter {
  readonly revision: number
  settle(faults: readonly string[]): void
}

export function createWorkerState(options: WorkerStateOptions): WorkerState {
  let desired: Desired = { config: options.config, rules: options.rules, models: options.models, lists: undefined }
  let usedLists = -1
  const waiters = new Set<ListWaiter>()
  const started = Promise.withResolvers<readonly string[]>()

  async function takeLists({ revision, path }: { revision: string; path: string }): Promise<void> {
    // The worker stands in its own folder and may not be able to reach it by its whole path.
    desired = { ...desired, lists: { revision, path: join('snapshots', basename(path)) } }
    const faults = await options.apply(desired)
    started.resolve(faults)
    if (faults.length === 0) usedLists = Math.max(usedLists, Number(revision))
    for (const waiter of waiters) if (waiter.revision <= Number(revision)) waiter.settle(faults)
  }

  const stopListening = options.onLists((snapshot) => void takeLists(snapshot))

  return {
    started: started.promise,
    async change(part) {
      const between = part.config === undefined ? undefined : closedBetween(desired.config, part.config)
      if (between !== undefined) await options.apply({ ...desired, config: between })
      desired = { ...desired, ...part }
      return options.apply(desired)
    },
    async listsPublished() {
      const revision = await options.listRevision()
      if (revision <= usedLists) return
      const faults = await new Promise<readonly string[]>((resolve) => {
        const waiter: ListWaiter = {
          revision,
          settle(faults) {
            waiters.delete(waiter)
            resolve(faults)
          },
        }
        waiters.add(waiter)
      })
      if (faults.length > 0)
        throw new Unavailable(`the lists are stored, but not used by every worker: ${[...new Set(faults)].join('; ')}`)
    },
    close: stopListening,
  }
}
