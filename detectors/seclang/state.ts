import type { Transaction } from '../transaction.js'
import { parseCookies } from '../transaction/cookies.js'
import { parseForm } from '../transaction/form.js'
import type { NamedValue } from '../transaction/pairs.js'
import { EMPTY_PARSED_BODY, type ParsedBody } from './bodies/body.js'
import { chooseBodyProcessor } from './bodies/parse.js'
import { EntryNames } from './collections/entry-names.js'
import { type Entry, NO_ENTRIES } from './collections/entry.js'
import { KeyIndex } from './collections/key-index.js'
import { KeyedCollection } from './collections/keyed.js'
import { type PersistentName, PersistentRecord, type PersistentStore } from './collections/persistent.js'
import { Exclusions } from './exclusions.js'
import type { CompiledRule } from './rule.js'
import type { EngineMode, Settings } from './settings.js'

/** A value that an operator matched, under its full name (`ARGS:id`). */
export interface MatchedVariable {
  readonly name: string
  readonly value: string
}

const NO_GEO: ReadonlyMap<string, string> = new Map()

/** Severity of a transaction in which no rule with a severity matched. */
export const NO_SEVERITY = 255

/**
 * All that the rules of one transaction read and write besides the transaction itself: collections, what `ctl` switched, the body as it was
 * parsed, the last matches.
 */
export class TransactionState {
  engine: EngineMode
  requestBodyAccess: boolean
  responseBodyAccess: boolean
  forceRequestBodyVariable = false
  auditEngine: Settings['auditEngine']
  /** Upper case; empty while none is chosen. */
  bodyProcessor = ''
  /** How often a rule has chosen how bodies are read or shown. */
  switches = 0
  body: ParsedBody = EMPTY_PARSED_BODY
  bodyParsed = false

  readonly txVariables = new KeyedCollection()
  readonly environment = new KeyedCollection()
  readonly opened = new Map<PersistentName, PersistentRecord>()
  readonly exclusions = new Exclusions()
  readonly keys = new KeyIndex()
  readonly names = new EntryNames()
  geo: ReadonlyMap<string, string> = NO_GEO
  webAppId: string
  sessionId = ''
  userId = ''
  resourceId = ''

  matchedVariable: MatchedVariable = { name: '', value: '' }
  matchedVariables: MatchedVariable[] = []
  highestSeverity = NO_SEVERITY
  /** The rule that is being judged: a chain's starter for its links. */
  rule: CompiledRule | undefined
  /** Status with which the rules ended the transaction; 0 while they have not. */
  endedWith = 0
  /** seclang phase that runs. */
  phase = 0
  /** Told of every variable that an action writes; for traces. */
  saved: ((name: string, value: string) => void) | undefined
  /** How deep macros are nested at the moment. */
  macroDepth = 0

  #argsGet: readonly Entry[] | undefined
  #argsPost: readonly Entry[] | undefined
  #args: readonly Entry[] | undefined
  #queryInvalid = false
  #cookies: readonly Entry[] | undefined
  #headers: readonly Entry[] | undefined
  #responseHeaders: readonly Entry[] | undefined

  constructor(
    readonly tx: Transaction,
    readonly settings: Settings,
    readonly store: PersistentStore,
  ) {
    this.engine = settings.engine
    this.requestBodyAccess = settings.requestBodyAccess
    this.responseBodyAccess = settings.responseBodyAccess
    this.auditEngine = settings.auditEngine
    this.webAppId = settings.webAppId
    if (tx.ports.environment !== undefined)
      for (const [name, value] of tx.ports.environment) this.environment.set(name, value)
    chooseBodyProcessor(this)
  }

  get argsGet(): readonly Entry[] {
    if (this.#argsGet === undefined) {
      const form = parseForm(this.tx.query, this.settings.argumentsLimit, this.settings.argumentSeparator)
      if (form.limited) this.tx.truncate('arguments')
      this.#queryInvalid = form.invalid
      this.#argsGet = form.fields.map(toEntry)
    }
    return this.#argsGet
  }

  get argsPost(): readonly Entry[] {
    if (!this.bodyParsed) return NO_ENTRIES
    return (this.#argsPost ??= this.body.args)
  }

  get args(): readonly Entry[] {
    if (!this.bodyParsed) return this.argsGet
    return (this.#args ??= this.argsPost.length === 0 ? this.argsGet : [...this.argsGet, ...this.argsPost])
  }

  /** Whether an escape of the query string or of a form body is broken. */
  get urlencodedError(): boolean {
    void this.argsGet
    return this.#queryInvalid || this.body.urlencodedError === true
  }

  get cookies(): readonly Entry[] {
    if (this.#cookies === undefined) {
      const { argumentsLimit, cookieSeparator } = this.settings
      const list = parseCookies(this.tx.headers.all('cookie'), argumentsLimit, cookieSeparator)
      if (list.limited) this.tx.truncate('cookies')
      this.#cookies = list.cookies.map(toEntry)
    }
    return this.#cookies
  }

  get headers(): readonly Entry[] {
    return (this.#headers ??= this.tx.headers.list.map(toField))
  }

  get responseHeaders(): readonly Entry[] {
    // Rules that look before there is a response must not keep later ones from it.
    if (this.tx.response === undefined) return NO_ENTRIES
    return (this.#responseHeaders ??= this.tx.responseHeaders.list.map(toField))
  }

  /** Opens a record of a persistent collection for this transaction; a second opening of the same one keeps the first. */
  open(collection: PersistentName, key: string): void {
    if (this.opened.has(collection)) return
    const timeoutMs = this.settings.collectionTimeout * 1000
    this.opened.set(
      collection,
      this.store.open(collection, `${this.webAppId}\0${key}`, this.tx.now(), timeoutMs),
    )
  }

  /**
   * The record of a collection that a rule writes to. Without `initcol`, GLOBAL has one for all, and any other collection gets one that ends
   * with the transaction: clients must not share a record by mistake.
   */
  record(collection: PersistentName): PersistentRecord {
    if (collection === 'GLOBAL') this.open('GLOBAL', 'global')
    let record = this.opened.get(collection)
    if (record === undefined) {
      record = new PersistentRecord('', this.tx.now())
      this.opened.set(collection, record)
    }
    return record
  }

  noteMatch(name: string, value: string): void {
    this.matchedVariable = { name, value }
    // A chain over many values must not grow this without bound.
    if (this.matchedVariables.length < this.settings.argumentsLimit) {
      this.matchedVariables.push(this.matchedVariable)
    } else {
      this.tx.truncate('matched_vars')
    }
  }
}

function toField(field: readonly [name: string, value: string]): Entry {
  return { key: field[0], value: field[1] }
}

function toEntry(pair: NamedValue): Entry {
  return { key: pair.name, value: pair.value }
}
