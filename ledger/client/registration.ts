import type { NoteSigner } from '../../proofs/note-key.js'
import { messageOf } from '../../runtime/errors.js'
import type { Logger } from '../../runtime/log.js'
import { readOrigin } from '../identity.js'
import { leaveRequest } from '../keys/request.js'

/** How often a log is looked for that nobody has begun yet. */
const RETRY_MS = 1_000

/**
 * Asks the ledger of a folder to register a key. The proof of possession names the log, so that a role that starts before the
 * first ledger asks as soon as there is one; what it seals until then waits there.
 */
export class RegistrationRequest {
  readonly #ledgerFolder: string
  readonly #signer: NoteSigner
  readonly #log: Logger | undefined
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(ledgerFolder: string, signer: NoteSigner, log: Logger | undefined) {
    this.#ledgerFolder = ledgerFolder
    this.#signer = signer
    this.#log = log
  }

  /** Resolves after the first try; the others follow by themselves. */
  async start(): Promise<void> {
    if (this.#isStopped) return
    try {
      const origin = await readOrigin(this.#ledgerFolder)
      if (origin !== undefined) return await leaveRequest(this.#ledgerFolder, this.#signer, origin)
    } catch (error) {
      this.#log?.warn({ err: messageOf(error) }, 'the registration of the key cannot be asked for yet')
    }
    if (this.#isStopped) return
    this.#timer = setTimeout(() => void this.start(), RETRY_MS)
    this.#timer.unref()
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }
}
