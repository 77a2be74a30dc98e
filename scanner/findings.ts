import type { Logger } from 'pino'
import type { StoredItem, Vault } from './quarantine/vault.js'
import { recordFinding, type Record } from './record.js'
import { isRead, type FileResult } from './verdict.js'

export interface FindingsDeps extends Record {
  readonly vault: Vault
  /** Whether malicious files are taken into the vault. */
  readonly quarantine: boolean
  /** Only say which would be. */
  readonly dryRun: boolean
  readonly log: Logger
}

/** What follows from a result: a record, and the vault for what is malicious. */
export class Findings {
  /**
   * What could not be settled, and why, by path: it is tried again and again, but only a new reason is a new finding. `round`
   * is the last walk over everything that met it.
   */
  readonly #unsettled = new Map<string, { readonly why: string; readonly round: number }>()
  #round = 0

  constructor(readonly deps: FindingsDeps) {}

  /** Records a finding. Resolves when it is durable. */
  async report(result: FileResult, item?: StoredItem): Promise<void> {
    this.deps.log.warn({ ...result, quarantine: item?.id }, 'file found')
    await recordFinding(this.deps, result, item)
  }

  /** @returns whether the file is dealt with, and need not be judged again as it is */
  async settle(result: FileResult, path: Buffer): Promise<boolean> {
    const name = path.toString('latin1')
    const { verdict } = result
    if (verdict === 'clean' || verdict === 'skipped') {
      this.#unsettled.delete(name)
      return true
    }
    const { quarantine, dryRun, log } = this.deps
    const isWanted = verdict === 'malicious' && quarantine && !dryRun
    if (verdict === 'malicious' && quarantine && dryRun)
      log.info({ path: result.path }, 'dry run: the file would be moved into the vault')
    const item = isWanted && isRead(result) ? await this.#store(result, path) : undefined
    if (verdict === 'error' ? isLasting(result) : !isWanted || item !== undefined) {
      await this.report(result, item)
      this.#unsettled.delete(name)
      return true
    }
    const why = `${verdict}:${result.reasons.flatMap(({ level, rule }) => (level === 'note' ? [] : [rule])).join()}`
    if (this.#unsettled.get(name)?.why !== why) await this.report(result)
    this.#unsettled.set(name, { why, round: this.#round })
    return false
  }

  /** Runs a walk over everything, after which what it did not meet is forgotten: it is gone. */
  async during(walk: () => Promise<void>): Promise<void> {
    const round = ++this.#round
    await walk()
    for (const [name, known] of this.#unsettled) if (known.round < round) this.#unsettled.delete(name)
  }

  async #store(
    result: FileResult & { sha256: string; size: number },
    path: Buffer,
  ): Promise<StoredItem | undefined> {
    const { vault, log } = this.deps
    try {
      return await vault.store(
        path,
        result,
        result.reasons.map(({ rule }) => rule),
      )
    } catch (error) {
      log.error({ err: error, path: result.path }, 'quarantine failed, the file is still in its place')
      return undefined
    }
  }
}

/** Whether an error follows from the content alone, so that judging it again would say the same. */
const isLasting = (result: FileResult): boolean =>
  isRead(result) &&
  result.reasons.every(
    ({ engine, level, rule }) => level !== 'error' || (engine === 'archive' && CONTENT_ERRORS.has(rule)),
  )

const CONTENT_ERRORS = new Set(['damaged_archive', 'unsupported_method'])
