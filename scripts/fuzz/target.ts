/** A good input to begin with. Parts are changed before `build` packs them: so changes reach what lies behind compression and checksums. */
export interface Seed {
  readonly name: string
  readonly parts: readonly Buffer[]
  /** Absent: the first part is the input. */
  readonly build?: (parts: readonly Buffer[]) => Buffer
  /** As the message calls it. */
  readonly fileName?: string
  readonly declaredType?: string
}

/** One changed input. */
export interface Input {
  readonly bytes: Buffer
  readonly fileName: string
  readonly declaredType: string
}

export interface Prepared {
  readonly seeds: readonly Seed[]
  /** Words of the format, latin1: put in, and repeated. */
  readonly tokens: readonly string[]
  /** Mostly kept as they are, so that the input is still taken for what it is; 8. */
  readonly keptBytes?: number
  /** Makes checksums fit again; asked for half of the inputs. */
  mend?(bytes: Buffer): void
  /** Throws what the parser threw that it must not throw. */
  run(input: Input): void | Promise<void>
  close?(): void
}

export interface Target {
  readonly name: string
  /** What it feeds, for the report. */
  readonly about: string
  /** Its part of the inputs. */
  readonly share: number
  prepare(): Prepared | Promise<Prepared>
}

/** A seed of plain bytes; latin1 where it is text. */
export function plainSeed(name: string, bytes: Buffer | string, more: Partial<Seed> = {}): Seed {
  return { name, parts: [typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes], ...more }
}

/** What stands here by name, each made into a seed; one that cannot be made here (a missing program) is left out, loudly. */
export function seedsOf(makers: Readonly<Record<string, () => Buffer | string>>, more: Partial<Seed> = {}): Seed[] {
  return Object.entries(makers).flatMap(([name, make]) => {
    try {
      return [plainSeed(name, make(), more)]
    } catch (error) {
      console.error(`fuzz: no seed ${name}: ${error instanceof Error ? error.message.split('\n', 1)[0] : error}`)
      return []
    }
  })
}
