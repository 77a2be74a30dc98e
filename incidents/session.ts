import type { Database, RootDatabase } from 'lmdb'
import type { ActionSigner, NumberedAction } from '../ledger/client/action-signer.js'
import type { ActionValue } from '../ledger/client/types.js'
import { messageOf } from '../runtime/errors.js'
import { shorten } from '../runtime/text.js'
import { uuidv7 } from '../runtime/uuid.js'
import type { Step } from './step.js'

/** How far the ledger's record of an incident is. */
export interface IncidentSession {
  /** 1 for the first; each that is opened after a close is one more, and its parent is that close. */
  readonly number: number
  /** `seq` of the next entry. */
  readonly next: number
  /** Leaf hash of the last entry, hexadecimal; empty before the very first. */
  readonly leaf: string
  readonly open: boolean
}

/** An entry that waits to be put into the outbox. */
export interface PendingEntry {
  readonly number: number
  readonly item: Uint8Array
}

/** Name of an incident's session in the ledger. */
export const sessionName = (incident: string, number: number): string =>
  number === 1 ? `i-${incident}` : `i-${incident}.${number}`

/**
 * The ledger's record of incidents. Every incident is a session: its steps are numbered, each names the entry before it as its
 * parent, and each is signed in the very transaction that decided it. What leaves the store later are finished bytes, so that
 * a crash can neither lose a step nor record it twice.
 */
export class IncidentSessions {
  readonly #sessions: Database<IncidentSession, string>
  readonly #entries: Database<Buffer, number>
  readonly #state: Database<number, string>
  readonly #signer: ActionSigner | undefined

  constructor(root: RootDatabase, state: Database<number, string>, signer: ActionSigner | undefined) {
    this.#sessions = root.openDB({ name: 'sessions', encoding: 'json' })
    this.#entries = root.openDB({ name: 'entries', encoding: 'binary' })
    this.#state = state
    this.#signer = signer
  }

  get(incident: string): IncidentSession | undefined {
    return this.#sessions.get(incident)
  }

  /**
   * Records a step, in a new session when the last one is closed.
   *
   * @returns id of its entry, and what was wrong when the step does not fit its schema: then an entry that says so stands for
   *   it, since one bad step must not keep the others from the record
   */
  record(step: Step): { readonly entry: string; readonly problem?: string } {
    const before = this.#sessions.get(step.incident)
    const session = before?.open ? before : this.#open(step, before)
    try {
      return { entry: this.#add(step.incident, session, step) }
    } catch (error) {
      const problem = `a step ${step.kind} could not be recorded: ${messageOf(error)}`
      const { incident } = step.members
      const members = { ...(incident !== undefined && { incident }), error: shorten(problem, 1000) }
      return {
        entry: this.#add(step.incident, session, { ...step, kind: 'incident.unrecorded', members }),
        problem,
      }
    }
  }

  /** Ends the session, when one is open: nothing can be cut off behind its close unseen. */
  close(incident: string, time: number): void {
    const session = this.#sessions.get(incident)
    if (!session?.open) return
    this.#add(incident, session, { kind: 'session.close', time, members: { count: session.next } }, false)
  }

  /** Entries that the outbox still has to get, in order. */
  pending(limit: number): readonly PendingEntry[] {
    return [...this.#entries.getRange({ limit })].map(({ key, value }) => ({
      number: key,
      // LMDB reuses its buffers.
      item: Uint8Array.prototype.slice.call(value),
    }))
  }

  /** How many there are. */
  get waiting(): number {
    return this.#entries.getKeysCount({})
  }

  remove(number: number): void {
    this.#entries.removeSync(number)
  }

  #open(step: Step, before: IncidentSession | undefined): IncidentSession {
    const fresh: IncidentSession = {
      number: (before?.number ?? 0) + 1,
      next: 0,
      leaf: before?.leaf ?? '',
      open: true,
    }
    const members = {
      participants: [this.#signed().agent],
      purpose: `incident ${step.incident}`,
    }
    this.#add(step.incident, fresh, { kind: 'session.open', time: step.time, members })
    return this.#sessions.get(step.incident) ?? fresh
  }

  #add(
    incident: string,
    session: IncidentSession,
    { kind, time, members }: { kind: string; time: number; members: { readonly [key: string]: ActionValue } },
    open = true,
  ): string {
    const action: NumberedAction = {
      id: uuidv7(time),
      kind,
      ts: time,
      session: sessionName(incident, session.number),
      seq: session.next,
      members,
      ...(session.leaf !== '' && { parents: [session.leaf] }),
    }
    const { item, leaf } = this.#signed().sign(action)
    const number = (this.#state.get('entry') ?? 0) + 1
    this.#state.putSync('entry', number)
    this.#entries.putSync(number, Buffer.from(item))
    this.#sessions.putSync(incident, { ...session, next: session.next + 1, leaf, open })
    return action.id
  }

  #signed(): ActionSigner {
    if (!this.#signer) throw new Error('the incidents are open for reading only')
    return this.#signer
  }
}
