import type { Clock } from '../../detectors/ports.js'
import type { LedgerRecorder } from '../../ledger/client/types.js'
import type { GatewayCommand } from '../../runtime/commands.js'
import { parseCommand } from '../../runtime/commands.js'
import { messageOf } from '../../runtime/errors.js'
import type { CommandEvent } from '../../runtime/events.js'
import type { Logger } from '../../runtime/log.js'
import type { Consumer, OutboxItem, Topic } from '../../runtime/outbox.js'
import type { Telemetry } from '../../runtime/telemetry/telemetry.js'
import { uuidv7 } from '../../runtime/uuid.js'
import type { GatewayConfig } from '../config.js'
import type { PlaneServer } from '../plane-server.js'
import { admit, checkBan } from './admission.js'
import type { Answer, AnswerAction, AnswerRefusal, AnswerSnapshot } from './answer.js'
import { NeverBan } from './never-ban.js'
import { AnswerStore } from './store.js'
import { patchRules } from './virtual-patch.js'

/** Longest sleep before a look at what has expired, in case the clock was set. */
const MAX_SLEEP_MS = 30_000
/** A shared tick for what expires at about the same time. */
const MIN_SLEEP_MS = 250
const RETRY_MS = 1000

export interface ResponderOptions {
  readonly dataDir: string
  readonly config: GatewayConfig
  readonly commands: Topic
  readonly events: Topic
  readonly ledger: LedgerRecorder
  readonly telemetry: Telemetry
  /** Version of the product; the revision of its limits in the ledger. */
  readonly version: string
  readonly clock: Clock
  readonly log: Logger
}

/**
 * Carries out the commands that are for the gateway. A command is checked, made durable, put before every serving thread,
 * and only then told: whoever reads `command.applied` can rely on the next request being judged by it. Answers end by
 * themselves when their time is over.
 */
export class Responder {
  readonly #options: ResponderOptions
  readonly #store: AnswerStore
  readonly #neverBan: NeverBan
  readonly #outcomes
  /** Sites that ever had a patch since the start; a thread is told when the last one of a site goes. */
  readonly #patched = new Set<string>()
  /** Ledger entries of what is in the ledger but not yet told to the other roles. */
  readonly #entries = new Map<string, string | undefined>()
  #plane: PlaneServer | undefined
  #consumer: Consumer | undefined
  #timer: NodeJS.Timeout | undefined
  /** One change at a time: commands, expiry. */
  #turn: Promise<void> = Promise.resolve()
  #closing = false

  private constructor(options: ResponderOptions, store: AnswerStore, neverBan: NeverBan) {
    this.#options = options
    this.#store = store
    this.#neverBan = neverBan
    const { metrics } = options.telemetry
    this.#outcomes = metrics.counter('portcullis.answers.commands', {
      description: 'Commands to the gateway, and answers that ended, by what came of them.',
      labels: {
        action: ['ban_client', 'block_url', 'virtual_patch', 'revoke'],
        outcome: ['applied', 'refused', 'ended'],
      },
    })
    for (const type of ['ban_client', 'block_url', 'virtual_patch'] as const)
      metrics.gauge(
        `portcullis.answers.${type}`,
        { description: `Answers of type ${type} that hold now.` },
        () => store.list().filter(({ action }) => action.type === type).length,
      )
  }

  /**
   * Opens what held before. Bans that the configuration forbids by now end at once.
   *
   * @throws GatewayError `GATEWAY_ANSWER_STORE`
   */
  static async open(options: ResponderOptions): Promise<Responder> {
    const store = AnswerStore.open(options.dataDir)
    try {
      const neverBan = new NeverBan(options.config, options.log)
      await neverBan.refresh()
      const responder = new Responder(options, store, neverBan)
      await responder.#endWhatMayNotHold()
      return responder
    } catch (error) {
      await store.close()
      throw error
    }
  }

  /** What holds now, for a thread that starts. */
  snapshot(): AnswerSnapshot {
    const paths = new Map<string, string[]>()
    const patches = new Map<string, string>([...this.#patched].map((site) => [site, '']))
    const bans: string[] = []
    for (const { action, slot } of this.#store.list())
      if (action.type === 'ban_client') bans.push(action.address)
      else if (action.type === 'block_url')
        paths.set(action.site, [...(paths.get(action.site) ?? []), action.path])
      else {
        this.#patched.add(action.site)
        patches.set(action.site, (patches.get(action.site) ?? '') + patchRules(action, slot ?? 0))
      }
    return { bans, paths, patches }
  }

  /** Begins to take commands; the plane was started with `snapshot`. */
  serve(plane: PlaneServer): void {
    this.#plane = plane
    this.#consumer = this.#options.commands.consume('gateway', (items) =>
      this.#inTurn(() => this.#take(items)),
    )
    this.#inTurn(() => this.#tell()).catch(() => undefined)
    this.#sleep()
  }

  /** Resolves when every command given before is dealt with. */
  async settled(): Promise<void> {
    await this.#consumer?.drained()
    await this.#turn
  }

  async close(): Promise<void> {
    this.#closing = true
    clearTimeout(this.#timer)
    await this.#consumer?.stop()
    await this.#turn
    await this.#store.close()
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work)
    this.#turn = done.catch(() => undefined)
    return done
  }

  async #take(items: readonly OutboxItem[]): Promise<void> {
    const commands = items.flatMap((item) => this.#parse(item) ?? [])
    if (commands.some(({ action }) => action.type === 'ban_client')) await this.#neverBan.refresh()
    let changed = false
    await this.#store.transaction(() => {
      changed = false
      for (const command of commands)
        if (!this.#store.knows(command.id)) changed = this.#carryOut(command) || changed
    })
    if (changed) await this.#apply()
    await this.#tell()
    this.#sleep()
  }

  /** One that cannot be read must not stop those behind it. */
  #parse({ seq, bytes }: OutboxItem): GatewayCommand | undefined {
    try {
      return parseCommand('gateway', bytes)
    } catch (error) {
      this.#options.log.error(
        { seq, reason: messageOf(error) },
        'a command could not be read and is left out',
      )
      return undefined
    }
  }

  /** Inside a transaction. Whether what holds has changed. */
  #carryOut(command: GatewayCommand): boolean {
    const { action } = command
    if (action.type === 'revoke') return this.#revoke(command, action.command)
    const rules = {
      config: this.#options.config.answers,
      neverBan: this.#neverBan,
      modes: this.#plane?.modes ?? {},
    }
    const admitted = admit({ ...command, action }, this.#store.list(), this.#options.clock.now(), rules)
    if ('code' in admitted) {
      this.#outcome('command.refused', command, admitted)
      return false
    }
    const { answer, mode } = admitted
    if (!command.dry_run) this.#store.put(answer)
    this.#outcome('command.applied', command, {
      expires: answer.expires,
      ...(mode === 'detect'
        ? { reason: 'its phase runs in mode detect: it is recorded and refuses nothing' }
        : {}),
    })
    return !command.dry_run
  }

  #revoke(command: GatewayCommand, target: string): boolean {
    const answer = this.#store.get(target)
    if (answer === undefined) {
      const refusal: AnswerRefusal = { code: 'ANSWER_UNKNOWN', reason: 'no such answer holds' }
      this.#outcome('command.refused', command, refusal)
      return false
    }
    this.#outcome('command.applied', command)
    if (command.dry_run) return false
    this.#end(answer, 'ANSWER_REVOKED', `revoked by ${command.by}`)
    return true
  }

  #end(answer: Answer, code: string, reason: string): void {
    this.#store.remove(answer.command)
    const { command: id, incident, action } = answer
    this.#outcome(
      'command.ended',
      { id, action, dry_run: false, ...(incident && { incident }) },
      { code, reason },
    )
  }

  #outcome(
    type: CommandEvent['type'],
    command: { readonly id: string; readonly incident?: string | undefined; readonly dry_run: boolean } & {
      readonly action: { readonly type: AnswerAction['type'] | 'revoke' }
    },
    more: Pick<CommandEvent['data'], 'code' | 'reason' | 'expires'> = {},
  ): void {
    const time = this.#options.clock.now()
    this.#store.tell({
      id: uuidv7(time),
      time,
      type,
      severity: 'info',
      data: {
        command: command.id,
        ...(command.incident === undefined ? {} : { incident: command.incident }),
        role: 'gateway',
        action: command.action.type,
        dry_run: command.dry_run,
        ...more,
      },
    })
  }

  /** Puts what holds before every serving thread. */
  async #apply(): Promise<void> {
    const failures = (await this.#plane?.answer(this.snapshot())) ?? []
    if (failures.length === 0) return
    // The patch was tried before, so this is a clash with the site's own rules. A site keeps its patches together or not.
    await this.#store.transaction(() => {
      for (const { site, reason } of failures)
        for (const answer of this.#store.list())
          if (answer.action.type === 'virtual_patch' && answer.action.site === site)
            this.#end(answer, 'ANSWER_FAILED', reason)
    })
    await this.#plane?.answer(this.snapshot())
  }

  /** Tells what came of commands: an entry of the ledger and an event each. A crash in between tells it twice, never not at all. */
  async #tell(): Promise<void> {
    const { ledger, events, log, version } = this.#options
    const untold = this.#store.untold()
    if (untold.length === 0) return
    for (const event of untold) {
      if (this.#entries.has(event.id)) continue
      const { command, action, code, reason = '', dry_run: dryRun } = event.data
      const decision = event.type.slice('command.'.length)
      const entry = ledger.record({
        kind: 'decision',
        ts: event.time,
        members: {
          policy: { id: 'gateway.answers', rev: version, decision: dryRun ? 'dry_run' : decision },
          subject: command,
          target: { server: 'gateway', tool: action },
          status: event.type === 'command.refused' ? 'denied' : 'ok',
          reason: code === undefined ? reason : `${code}: ${reason}`,
        },
      })
      this.#entries.set(event.id, entry)
      this.#outcomes({ action, outcome: decision })
      log.info({ command, action, code, reason, dry_run: dryRun }, `an answer was ${decision}`)
    }
    await ledger.flush()
    await Promise.all(
      untold.map((event) => {
        const entry = this.#entries.get(event.id)
        return events.append(Buffer.from(JSON.stringify({ ...event, ...(entry !== undefined && { entry }) })))
      }),
    )
    await this.#store.transaction(() => this.#store.told(untold))
    this.#entries.clear()
  }

  async #endWhatMayNotHold(): Promise<void> {
    const now = this.#options.clock.now()
    await this.#store.transaction(() => {
      for (const answer of this.#store.list())
        if (answer.expires <= now) this.#end(answer, 'ANSWER_EXPIRED', 'its time is over')
        else if (answer.action.type === 'ban_client') {
          const refusal = checkBan(answer.action.address, this.#neverBan)
          if (refusal !== undefined) this.#end(answer, refusal.code, refusal.reason)
        }
    })
  }

  /** Sleeps until the next answer's time is over. */
  #sleep(): void {
    clearTimeout(this.#timer)
    if (this.#closing) return
    const next = Math.min(...this.#store.list().map(({ expires }) => expires))
    const left = Math.max(MIN_SLEEP_MS, Math.min(next - this.#options.clock.now(), MAX_SLEEP_MS))
    this.#timer = setTimeout(() => {
      this.#inTurn(() => this.#expire()).catch((error: unknown) => {
        this.#options.log.error({ err: error }, 'answers that are over could not be ended; it is tried again')
        this.#timer = setTimeout(() => this.#sleep(), RETRY_MS)
      })
    }, left)
  }

  async #expire(): Promise<void> {
    const before = this.#store.list().length
    await this.#endWhatMayNotHold()
    if (this.#store.list().length !== before) await this.#apply()
    await this.#tell()
    this.#sleep()
  }
}
