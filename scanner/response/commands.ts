import { parseCommand, type ScannerCommand } from '../../runtime/commands.js'
import type { CommandEvent } from '../../runtime/events.js'
import type { Logger } from '../../runtime/log.js'
import { messageOf } from '../../runtime/errors.js'
import type { OutboxItem } from '../../runtime/outbox.js'
import { shorten } from '../../runtime/text.js'
import { uuidv7 } from '../../runtime/uuid.js'
import type { Record } from '../record.js'
import type { Entry, Outcome } from './outcome.js'
import type { Responder } from './responder.js'
import type { BlockedHash } from './store.js'

/** Characters of a sentence in events and entries. */
const MAX_REASON = 900

/** Takes commands, each once however often it comes, and tells what came of it: entries of the ledger and an event. */
export class Commands {
  /** @param onBlocked called when other digests may be blocked than before, ahead of the news */
  constructor(
    readonly responder: Responder,
    readonly record: Record,
    readonly log: Logger,
    readonly onBlocked: () => void = () => undefined,
  ) {}

  /** Handles a batch of the topic `commands.scanner`. It rejects only when nothing can be remembered or told: it comes again. */
  async handle(items: readonly OutboxItem[]): Promise<void> {
    for (const { seq, bytes } of items) {
      let command
      try {
        command = parseCommand('scanner', bytes)
      } catch (error) {
        this.log.error({ seq, err: messageOf(error) }, 'what is no command of ours is not carried out')
        continue
      }
      await this.take(command)
    }
  }

  /**
   * Carries out a command that was not carried out before. After a crash it goes on where it was: what was begun is looked
   * for before it is done again, and what was done is told, perhaps twice.
   */
  async take(command: ScannerCommand): Promise<Outcome> {
    const { store } = this.responder.deps
    const { id, by } = command
    const before = store.takenUp(id)
    let outcome = before?.outcome
    if (before?.state === 'told' && outcome) return outcome
    if (!outcome) {
      await store.begin(command)
      outcome = await this.responder.carryOut(command, before !== undefined)
      await store.put(id, { state: 'done', by, outcome })
    }
    this.onBlocked()
    await this.#tell(command, outcome)
    await store.put(id, { state: 'told', by, outcome })
    return outcome
  }

  /** Carries on with what a process had in hand that is gone, such as a command line that was killed. */
  async resume(): Promise<void> {
    for (const command of await this.responder.deps.store.takeOver()) await this.take(command)
  }

  /** Ends what holds no longer, and tells. */
  async endExpired(): Promise<void> {
    const { store } = this.responder.deps
    for (const [sha256, hash] of store.expired(this.record.now())) {
      this.onBlocked()
      await this.#tellEnded(sha256, hash)
      await store.unblock(sha256, hash.command)
    }
  }

  async #tell(command: ScannerCommand, outcome: Outcome): Promise<void> {
    const isDry = this.responder.isDry(command)
    const reason = shorten(outcome.type === 'applied' ? outcome.done : outcome.reason, MAX_REASON)
    const [entry] = this.#enter(
      outcome.type === 'applied' && !isDry
        ? outcome.entries
        : [
            {
              kind: 'decision',
              members: {
                policy: {
                  id: 'scanner.response',
                  rev: '1',
                  decision: outcome.type === 'applied' ? 'dry_run' : 'refused',
                },
                subject: command.id,
                status: outcome.type === 'applied' ? 'ok' : 'denied',
                // Sentences name paths, which the ledger never holds.
                reason: outcome.type === 'applied' ? command.action.type : outcome.code,
              },
            },
          ],
    )
    this.log.info(
      { command: command.id, action: command.action.type, by: command.by, isDry, outcome },
      reason,
    )
    await this.#publish(outcome.type === 'applied' ? 'command.applied' : 'command.refused', entry, {
      command: command.id,
      ...(command.incident === undefined ? {} : { incident: command.incident }),
      role: 'scanner',
      action: command.action.type,
      dry_run: isDry,
      reason,
      ...(outcome.type === 'refused' ? { code: outcome.code } : {}),
      ...('expires' in outcome && outcome.expires !== undefined ? { expires: outcome.expires } : {}),
      ...('quarantine' in outcome && outcome.quarantine !== undefined
        ? { quarantine: outcome.quarantine }
        : {}),
    })
  }

  async #tellEnded(sha256: string, { command, incident, by }: BlockedHash): Promise<void> {
    const reason = 'its time was over'
    const members = { file: { sha256 }, subject: command, by, reason }
    const [entry] = this.#enter([{ kind: 'hash.unblocked', members }])
    await this.#publish('command.ended', entry, {
      command,
      ...(incident === undefined ? {} : { incident }),
      role: 'scanner',
      action: 'block_hash',
      dry_run: false,
      code: 'EXPIRED',
      reason,
    })
  }

  /** @returns ids of the entries; none for what is counted in a summary */
  #enter(entries: readonly Entry[]): string[] {
    const ts = this.record.now()
    return entries.flatMap((entry) => this.record.ledger.record({ ...entry, ts }) ?? [])
  }

  async #publish(
    type: CommandEvent['type'],
    entry: string | undefined,
    data: CommandEvent['data'],
  ): Promise<void> {
    // Durable before the command counts as told.
    await this.record.ledger.flush()
    const time = this.record.now()
    const event: CommandEvent = {
      id: uuidv7(time),
      time,
      type,
      severity: 'info',
      ...(entry === undefined ? {} : { entry }),
      data,
    }
    await this.record.events.append(Buffer.from(JSON.stringify(event)))
  }
}
