import process from 'node:process'
import { plainSeed, type Target } from './target.ts'

/** What a parser must not do, so that the tests see it found. Never run unless they are named. */
const FAULTS: Readonly<Record<string, (bytes: Buffer) => void | Promise<void>>> = {
  throws() {
    throw new TypeError('a parser gave up')
  },
  async rejects() {
    void Promise.reject(new Error('nobody waits for this'))
    await new Promise((resolve) => setTimeout(resolve, 1))
  },
  waits: () => new Promise(() => {}),
  dies: () => void process.kill(process.pid, 'SIGSEGV'),
  hangs() {
    for (;;);
  },
  grows: () => void Buffer.alloc(700 * 1024 * 1024, 1),
}

/** Does it for what holds a `!`, which the one seed lacks. */
export const TRIAL_TARGETS: readonly Target[] = Object.entries(FAULTS).map(([name, fault]) => ({
  name: `trial-${name}`,
  about: 'the fuzzer itself',
  share: 1,
  prepare: () => ({
    seeds: [plainSeed('words', 'some harmless words that are changed')],
    tokens: ['!'],
    run: async ({ bytes }) => {
      if (bytes.includes('!')) await fault(bytes)
    },
  }),
}))
