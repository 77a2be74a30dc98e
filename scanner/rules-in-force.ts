import { createHash } from 'node:crypto'
import type { Logger } from 'pino'
import { messageOf } from '../runtime/errors.js'
import type { ScannerConfig } from './config.js'
import type { Journal } from './journal.js'
import { poolOptions } from './pool-options.js'
import type { PoolOptions, ScanPool } from './pool.js'
import type { BlockedHashes } from './response/blocked-hash.js'
import { ruleSetVersion } from './rule-set-version.js'
import { SignatureStore, type Installed } from './signatures/store.js'
import { installedSignatures, withSignatures } from './signatures/with-installed.js'
import type { Reason } from './verdict.js'

export interface RulesDeps {
  readonly config: ScannerConfig
  /** `<data>/scanner`. */
  readonly folder: string
  /** Version of the product. */
  readonly product: string
  readonly now: () => number
  readonly log: Logger
  /** Milliseconds between looks for changed files. */
  readonly lookMs?: number
}

/** Rules, lists and signatures as they were when they were looked at. */
interface Look {
  readonly options: PoolOptions
  readonly signatures: Installed | undefined
  /** A name for what verdicts follow from. */
  readonly version: string
  /** The same, with the number of the installed release: what to compare to notice a change. */
  readonly state: string
}

/** What the rules say of themselves, for health and status. */
export interface RulesState {
  readonly version: string
  readonly yara: { readonly engine: string; readonly rules: number; readonly problems: number }
  readonly signatures?: { readonly release: number; readonly created: string; readonly age_days: number }
  /** When they were loaded, in milliseconds since the epoch. */
  readonly loaded: number
}

/** A change is taken once two looks in a row see the same. */
const LOOK_MS = 5_000
const DAY_MS = 24 * 3600 * 1000

/** The rules that a daemon judges by: loaded anew when they change, or when told to, without losing what is under judgement. */
export class RulesInForce {
  #pool: ScanPool | undefined
  #journal: Journal | undefined
  #changed: () => void = () => undefined
  #loadedAt = 0
  #failure: { readonly state: string; readonly message: string } | undefined
  #seen = ''
  /** The version with what is blocked, which is asked for with every answer. */
  #versionWith: { readonly blocked: BlockedHashes; readonly of: string; readonly version: string } | undefined
  #timer: NodeJS.Timeout | undefined
  #reloading: Promise<boolean> | undefined

  private constructor(
    readonly deps: RulesDeps,
    private look: Look,
  ) {}

  /** @throws ScanError for installed signatures that no trusted key has signed */
  static async find(deps: RulesDeps): Promise<RulesInForce> {
    return new RulesInForce(deps, await lookAt(deps))
  }

  get options(): PoolOptions {
    return this.look.options
  }

  /** A name for all that a verdict follows from but the file. */
  get version(): string {
    const blocked = this.#pool?.options.blocked
    if (blocked === undefined || blocked.size === 0) return this.look.version
    const known = this.#versionWith
    if (known?.blocked === blocked && known.of === this.look.version) return known.version
    const hash = createHash('sha256').update(JSON.stringify([this.look.version, [...blocked]]))
    const version = hash.digest('hex').slice(0, 32)
    this.#versionWith = { blocked, of: this.look.version, version }
    return version
  }

  /** Tells that the pool blocks other digests than before. */
  blockedChanged(): void {
    this.#journal?.setVersion(this.version)
    this.#changed()
  }

  /** From now on changes are noticed and taken by the pool and its journal; `changed` is called after each. */
  follow(pool: ScanPool, journal: Journal, changed: () => void): void {
    this.#pool = pool
    this.#journal = journal
    this.#changed = changed
    this.#loadedAt = this.deps.now()
    this.#seen = this.look.state
    this.#tellProblems()
    this.#timer = setInterval(() => {
      this.#lookForChange().catch((error: unknown) => {
        this.deps.log.error({ err: error }, 'changes of rules and lists could not be looked for')
      })
    }, this.deps.lookMs ?? LOOK_MS).unref()
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#reloading
  }

  /** Loads everything anew; when that fails, the rules in force stay. @returns whether it worked */
  reload(): Promise<boolean> {
    this.#reloading ??= this.#reload().finally(() => {
      this.#reloading = undefined
    })
    return this.#reloading
  }

  get state(): RulesState {
    const { version } = this
    const { signatures } = this.look
    const yara = this.#pool?.loaded?.yara
    return {
      version,
      yara: {
        engine: yara?.engine ?? 'none',
        rules: yara?.rules ?? 0,
        problems: yara?.problems.length ?? 0,
      },
      ...(signatures && {
        signatures: {
          release: signatures.manifest.version,
          created: signatures.manifest.created,
          age_days: this.#ageDays(signatures),
        },
      }),
      loaded: this.#loadedAt,
    }
  }

  /** What is wrong with them, by name. */
  problems(): Readonly<Record<string, string>> {
    const { config } = this.deps
    const { signatures } = this.look
    const yara = this.#pool?.loaded?.yara
    const [first] = yara?.problems ?? []
    const problems: Record<string, string> = {}
    if (first)
      problems['rules'] =
        `${yara?.problems.length} rules or rule files are not loaded, the first: ${first.file}: ${first.message}`
    if (yara?.fallback !== undefined)
      problems['yara_engine'] = `the slow portable engine is used: ${yara.fallback}`
    if (this.#failure) problems['reload'] = `the rules loaded before stay in force: ${this.#failure.message}`
    if (config.signature_keys.length > 0 && !signatures)
      problems['signatures'] = 'no signatures are installed (portcullis signatures update)'
    if (signatures && this.#ageDays(signatures) > config.signature_max_age_days)
      problems['signatures'] =
        `release ${signatures.manifest.version} of the signatures is ${this.#ageDays(signatures)} days old`
    return problems
  }

  async #reload(): Promise<boolean> {
    const { deps } = this
    let state = ''
    try {
      // Looked at before they are loaded: what changes in between is seen as a change.
      const look = await lookAt(deps)
      state = look.state
      await this.#pool?.reload(look.options)
      this.look = look
      this.#journal?.setVersion(this.version)
      this.#failure = undefined
      this.#loadedAt = deps.now()
      deps.log.info({ version: look.version }, 'rules and lists were loaded anew')
      this.#tellProblems()
      this.#changed()
      return true
    } catch (error) {
      this.#failure = { state, message: messageOf(error) }
      deps.log.error({ err: error }, 'rules and lists were not loaded anew, the old ones stay')
      this.#pool?.setRemarks(this.#remarks())
      return false
    }
  }

  async #lookForChange(): Promise<void> {
    const seen = await stateOf(this.deps, this.look.options)
    const isSettled = seen === this.#seen
    this.#seen = seen
    if (isSettled && seen !== this.look.state && seen !== this.#failure?.state) {
      // What a failed attempt saw can differ from this by what it could not read.
      if (!(await this.reload()) && this.#failure) this.#failure = { ...this.#failure, state: seen }
    } else this.#pool?.setRemarks(this.#remarks())
  }

  #tellProblems(): void {
    for (const [name, message] of Object.entries(this.problems()))
      this.deps.log.warn({ problem: name }, message)
    this.#pool?.setRemarks(this.#remarks())
  }

  /** The same on every verdict: who reads only that must not take it for more than it is. */
  #remarks(): Reason[] {
    return Object.entries(this.problems()).map(([name, detail]) => ({
      engine: 'limit',
      rule: `${name}_problem`,
      level: 'note',
      detail,
    }))
  }

  #ageDays({ manifest }: Installed): number {
    return Math.floor((this.deps.now() - Date.parse(manifest.created)) / DAY_MS)
  }
}

async function lookAt(deps: RulesDeps): Promise<Look> {
  const signatures = await installedSignatures(deps.config, deps.folder)
  const { budget } = deps.config
  const options: PoolOptions = {
    ...poolOptions(withSignatures(deps.config, signatures)),
    processPriority: { nice: budget.nice, idleIo: budget.idle_io },
  }
  return {
    options,
    signatures,
    version: ruleSetVersion(options, deps.product),
    state: await stateOf(deps, options),
  }
}

async function stateOf({ config, folder, product }: RulesDeps, options: PoolOptions): Promise<string> {
  const store = config.signature_keys.length === 0 ? undefined : SignatureStore.existing(folder)
  return `${ruleSetVersion(options, product)} ${(await store?.version()) ?? 0}`
}
