/**
 * Registers the keys of this machine: a role leaves a request in the ledger's folder, which only the owner of the data
 * folder can enter, and as long as the root key is at hand the ledger signs the registration. Without it requests wait.
 */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ProofError } from '../../proofs/errors.js'
import { signRegistration } from '../../proofs/key-actions.js'
import type { NoteSigner } from '../../proofs/note-key.js'
import { codeOf, messageOf } from '../../runtime/errors.js'
import type { Logger } from '../../runtime/log.js'
import { uuidv7 } from '../../runtime/uuid.js'
import { admit } from '../admission.js'
import { LedgerError } from '../errors.js'
import type { Log } from '../log.js'
import type { WaitingRequest } from './log-keys.js'
import { listRequests, readRequest, removeRequest, requestFileName, requestFolder } from './request.js'
import type { KeyRequest } from './request.js'

/** How often the folder is looked at; a signature by an unknown key looks for its request at once. */
const SWEEP_MS = 1_000

export interface RegistrarOptions {
  /** `<data>/ledger`. */
  readonly folder: string
  /** The operator's root key, while it is at hand. */
  readonly root: NoteSigner | undefined
  readonly clock: { now(): number }
  readonly log: Logger
}

export class Registrar {
  readonly #target: Log
  readonly #options: RegistrarOptions
  /** What was said about a file, by name and time of change: it is said once. */
  readonly #judged = new Map<string, WaitingRequest & { readonly changed: number }>()
  #work: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined

  constructor(target: Log, options: RegistrarOptions) {
    this.#target = target
    this.#options = options
    target.keys.onUnknown(async (line) => {
      const file = requestFileName(line)
      if (file !== undefined) await this.#inTurn(() => this.#consider(file))
    })
  }

  /** Looks at all requests, then again every second. Resolves after the first look. */
  async start(): Promise<void> {
    await this.sweep()
    this.#timer = setInterval(() => {
      this.sweep().catch((error: unknown) =>
        this.#options.log.error(
          { err: messageOf(error) },
          'requests to register keys could not be looked at',
        ),
      )
    }, SWEEP_MS)
    this.#timer.unref()
  }

  /** Looks at all requests. */
  sweep(): Promise<void> {
    return this.#inTurn(async () => {
      const files = await listRequests(this.#options.folder)
      for (const known of this.#judged.keys()) if (!files.includes(known)) this.#forget(known)
      for (const file of files) await this.#consider(file)
    })
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#work
  }

  /** One at a time, so that no key is registered twice. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const next = this.#work.then(work)
    this.#work = next.catch(() => undefined)
    return next
  }

  async #consider(file: string): Promise<void> {
    const changed = await changedAt(join(requestFolder(this.#options.folder), file))
    if (changed === undefined) return
    const { directory } = this.#target.keys
    const known = this.#judged.get(file)
    const isRegistered = known?.request !== undefined && directory.find(known.request.publicKey) !== undefined
    if (known?.changed === changed && !isRegistered) return
    const request = await readRequest(this.#options.folder, file)
    if (request === undefined) return
    if ('error' in request) return this.#judge({ file, changed, state: 'refused', reason: request.error })
    if (directory.find(request.publicKey) === undefined) {
      const obstacle = await this.#register(request)
      if (obstacle !== undefined) return this.#judge({ file, changed, request, ...obstacle })
    }
    this.#forget(file)
    await removeRequest(this.#options.folder, file)
  }

  /** Why it is not registered, when it is not. */
  async #register(request: KeyRequest): Promise<Pick<WaitingRequest, 'state' | 'reason'> | undefined> {
    const { root, clock } = this.#options
    const { origin } = this.#target.identity
    if (request.origin !== origin) {
      return { state: 'refused', reason: `it asks the log ${request.origin}, this is ${origin}` }
    }
    if (root === undefined) return { state: 'waiting', reason: 'the root key is not at hand' }
    const now = clock.now()
    const context = { id: uuidv7(now), session: `key-${uuidv7(now)}`, ts: now }
    const entry = signRegistration(request, root, context)
    try {
      await this.#target.append(await admit([entry], this.#target.keys))
    } catch (error) {
      if (!(error instanceof ProofError)) throw error
      return { state: 'refused', reason: `${error.machineCode}: ${error.message}` }
    }
    this.#options.log.info({ agent: request.name, purpose: request.purpose }, 'a key is registered')
    return undefined
  }

  #judge(verdict: WaitingRequest & { readonly changed: number }): void {
    this.#judged.set(verdict.file, verdict)
    const { file, request, state, reason } = verdict
    this.#options.log.warn(
      { file, agent: request?.name, state, reason },
      'a key is not registered: see `portcullis keys list`',
    )
    this.#tell()
  }

  #forget(file: string): void {
    if (this.#judged.delete(file)) this.#tell()
  }

  #tell(): void {
    this.#target.keys.waiting = [...this.#judged.values()]
  }
}

async function changedAt(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mtimeMs
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw new LedgerError('BAD_KEY_REQUEST', `cannot look at ${path}`, { cause: error })
  }
}
