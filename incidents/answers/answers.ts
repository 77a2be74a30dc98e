import { randomBytes } from 'node:crypto'
import type { Database } from 'lmdb'
import { encodeCommand } from '../../runtime/commands.js'
import type { Command, CommandRole } from '../../runtime/commands.js'
import { codeOf } from '../../runtime/errors.js'
import type { CommandEvent } from '../../runtime/events.js'
import type { Topic } from '../../runtime/outbox.js'
import { shorten } from '../../runtime/text.js'
import { uuidv7 } from '../../runtime/uuid.js'
import type { Core } from '../core.js'
import { IncidentError } from '../errors.js'
import { isOver } from '../incident.js'
import type { Incident } from '../incident.js'
import { stepOf } from '../step.js'
import type { StepName } from '../step.js'
import type { WorkQueue } from '../work/queue.js'
import { done, retry } from '../work/work.js'
import type { Work } from '../work/work.js'
import { carriedOutBy, subjectKey } from './action.js'
import type { AnswerAction } from './action.js'
import { digestOf } from './answer.js'
import type { Answer, AnswerState, AnswerTerms } from './answer.js'

export const COMMAND_WORK = 'command'
export const PROGRAM_WORK = 'answer.program'
const EXPIRE_WORK = 'answer.expire'

/** An answer that somebody wants. */
export interface Wanted {
  readonly incident: Incident
  readonly action: AnswerAction
  /** Who asks: `playbook:NAME`, `agent:NAME`, `person:NAME`. */
  readonly by: string
  readonly seconds?: number
  readonly dry_run: boolean
  /** A person has to say yes. */
  readonly approval: boolean
  readonly playbook?: string
}

/** States in which the same answer need not be given again. */
const STANDS: ReadonlySet<AnswerState> = new Set(['asked', 'ordered', 'applied', 'denied'])
/** One that was refused, or that nobody decided about, is not tried again with every detection. */
const REST_MS = 600_000

/**
 * Answers to incidents: asked for, approved, ordered, carried out, ended; each of these is a step of the incident. An answer
 * that is decided becomes a command in the same transaction, so that a crash neither loses it nor gives it twice. Every
 * method that writes must run inside a transaction of the store.
 */
export class Answers {
  readonly #core: Core
  readonly #answers: Database<Answer, string>
  /** Incident, action and subject, to the latest answer. */
  readonly #latest: Database<string, [incident: string, type: string, subject: string]>
  readonly #counts: Database<number, string>

  /** Answers of an incident that wait for a person. */
  readonly #asking: Database<number, string>
  /** A question that is open to the work that closes it. */
  readonly #timers: Database<string, string>

  constructor(core: Core) {
    this.#core = core
    const { store } = core
    this.#asking = store.table('answers-asking')
    this.#timers = store.table('answers-timers')
    this.#answers = store.table('answers')
    this.#latest = store.table('answers-latest')
    this.#counts = store.table('answers-count')
  }

  get(id: string): Answer | undefined {
    return this.#answers.get(id)
  }

  /** Whether any answer of an incident waits for a person. */
  isAsking(incident: string): boolean {
    return (this.#asking.get(incident) ?? 0) > 0
  }

  /** Newest first. */
  *list(): Generator<Answer> {
    for (const { value } of this.#answers.getRange({ reverse: true })) yield value
  }

  /**
   * Gives an answer, or asks whether it may be given. One that stands already is not given again; one that a person denied
   * neither.
   *
   * @returns undefined when it stands already, or the incident has as many answers as it may have
   */
  give(wanted: Wanted): Answer | undefined {
    const { now, settings } = this.#core
    const { incident, action, by, seconds, dry_run } = wanted
    const key: [string, string, string] = [incident.id, action.type, shorten(subjectKey(action), 300)]
    if (this.#stands(this.#latest.get(key))) return undefined
    const count = (this.#counts.get(incident.id) ?? 0) + 1
    const most = settings.answers.max_per_incident
    if (count > most + 1) return undefined
    this.#counts.putSync(incident.id, count)
    if (count > most) {
      this.#step('failed', incident, { error: `it has ${most} answers, no further one is given` })
      return undefined
    }
    const terms: AnswerTerms = {
      id: uuidv7(now()),
      incident: incident.id,
      action,
      by,
      ...(seconds !== undefined && { seconds }),
      dry_run,
      nonce: randomBytes(16).toString('hex'),
    }
    const answer: Answer = { ...terms, digest: digestOf(terms), state: 'asked', created: now() }
    this.#latest.putSync(key, answer.id)
    return wanted.approval && !dry_run
      ? this.#ask(answer, incident)
      : this.#order(answer, incident, wanted.playbook)
  }

  /**
   * Takes the word of a person on a question, once.
   *
   * @param by `person:NAME`, or another channel's word for a person
   * @param digest of the answer that the person was shown; must be that of the answer
   * @throws IncidentError `NOT_FOUND`, `CONFLICT` when it is decided, closed or was changed, `FORBIDDEN` for whoever asked
   */
  decide(id: string, by: string, approve: boolean, digest?: string): Answer {
    const { store, now } = this.#core
    const answer = this.#answers.get(id)
    if (answer?.ask_until === undefined)
      throw new IncidentError('NOT_FOUND', `there is no question ${shorten(id, 100)}`)
    if (answer.state !== 'asked')
      throw new IncidentError('CONFLICT', `the question ${id} is closed: ${answer.state}`)
    if (answer.by === by) throw new IncidentError('FORBIDDEN', 'whoever asks for an answer cannot approve it')
    if (digestOf(answer) !== answer.digest || (digest !== undefined && digest !== answer.digest))
      throw new IncidentError('CONFLICT', `the digest is not that of the answer ${id}`)
    const incident = store.get(answer.incident)
    if (!incident) throw new IncidentError('INCIDENT_NOT_FOUND', 'its incident is gone')
    if (answer.ask_until <= now()) return this.#close(answer, incident)
    const decided: Answer = { ...answer, decided_by: shorten(by, 200) }
    this.#approvalStep(approve ? 'granted' : 'denied', decided, incident)
    return this.#closed(
      approve ? this.#order(decided, incident) : this.#put({ ...decided, state: 'denied' }),
      incident,
    )
  }

  /**
   * Takes back what holds.
   *
   * @throws IncidentError `NOT_FOUND`, `CONFLICT` for what does not hold or cannot be undone
   */
  revoke(id: string, by: string): Answer {
    const { store, now } = this.#core
    const answer = this.#answers.get(id)
    if (!answer) throw new IncidentError('NOT_FOUND', `there is no answer ${shorten(id, 100)}`)
    const role = carriedOutBy(answer.action)
    if (answer.state !== 'applied' || answer.dry_run || role === 'program')
      throw new IncidentError('CONFLICT', `the answer ${id} cannot be revoked: it is ${answer.state}`)
    const command: Command = {
      id: uuidv7(now()),
      time: now(),
      incident: answer.incident,
      by: shorten(by, 200),
      action: { type: 'revoke', command: id },
      dry_run: false,
    }
    store.work.add({ incident: answer.incident, kind: COMMAND_WORK, target: role, body: command }, now())
    return answer
  }

  /** What came of a command; told again it changes nothing. */
  readonly commandEvent = ({ type, data }: CommandEvent): void => {
    const { store } = this.#core
    const answer = this.#answers.get(data.command)
    const incident = answer && store.get(answer.incident)
    if (!answer || !incident) return
    const state = type === 'command.applied' ? 'applied' : type === 'command.refused' ? 'refused' : 'ended'
    if (answer.state === state || answer.state === 'ended') return
    this.outcome(answer, state, [data.code, data.reason].filter(Boolean).join(': '), data.expires)
  }

  /** Records what came of an answer. */
  outcome(
    answer: Answer,
    state: 'applied' | 'refused' | 'ended',
    reason: string,
    expires: number | undefined = answer.expires,
  ): void {
    const incident = this.#core.store.get(answer.incident)
    const next = this.#put({
      ...answer,
      state,
      ...(expires !== undefined && { expires }),
      ...(reason !== '' && { reason: shorten(reason, 500) }),
    })
    if (!incident) return
    const text = `${state}${reason === '' ? '' : `: ${reason}`}`
    this.#step(state === 'refused' ? 'failed' : 'responded', incident, {
      action: this.#facts(next),
      ...(state === 'refused' ? { error: text } : { reason: shorten(text, 1000) }),
    })
  }

  /** Says to the queue who hands commands over, and who closes questions. */
  register(queue: WorkQueue, commands: { readonly gateway: Topic; readonly scanner: Topic }): void {
    queue.register(COMMAND_WORK, async (work) => {
      try {
        await commands[work.target as CommandRole].append(encodeCommand(work.body as Command))
        return done()
      } catch (error) {
        // Whoever takes it knows it by its id, so that handing it over twice is handing it over once.
        return retry(codeOf(error) ?? 'the outbox did not take it')
      }
    })
    queue.register(EXPIRE_WORK, async (work) => done(() => this.#expire(work)))
  }

  #stands(id: string | undefined): boolean {
    const answer = id === undefined ? undefined : this.#answers.get(id)
    if (!answer) return false
    const now = this.#core.now()
    if (answer.state === 'refused' || answer.state === 'expired') return answer.created + REST_MS > now
    return STANDS.has(answer.state) && (answer.expires === undefined || answer.expires > now)
  }

  #ask(answer: Answer, incident: Incident): Answer {
    const { store, now, settings, lifecycle } = this.#core
    const ask_until = now() + settings.answers.approvals.expire_seconds * 1000
    const asked = this.#put({ ...answer, ask_until })
    this.#approvalStep('requested', asked, incident)
    const timer = store.work.add(
      {
        incident: incident.id,
        kind: EXPIRE_WORK,
        target: `${EXPIRE_WORK} ${asked.id}`,
        body: { answer: asked.id },
        due: ask_until,
      },
      now(),
    )
    this.#timers.putSync(asked.id, timer.id)
    lifecycle.react({ type: 'approval_requested', incident, by: { name: asked.by }, answer: asked })
    return asked
  }

  #expire({ body }: Work): void {
    const answer = this.#answers.get((body as { readonly answer: string }).answer)
    const incident = answer && this.#core.store.get(answer.incident)
    if (answer?.state === 'asked' && incident) this.#close(answer, incident)
  }

  #close(answer: Answer, incident: Incident): Answer {
    this.#approvalStep('expired', answer, incident)
    return this.#closed(this.#put({ ...answer, state: 'expired' }), incident)
  }

  #closed(answer: Answer, incident: Incident): Answer {
    const by = { name: answer.decided_by ?? answer.by }
    // An incident that is over is not finished while anything waits.
    const timer = this.#timers.get(answer.id)
    if (timer !== undefined) this.#core.store.work.remove(timer)
    this.#timers.removeSync(answer.id)
    this.#core.lifecycle.react({ type: 'approval_closed', incident, by, answer })
    return answer
  }

  /** It is decided: from here on it is carried out. */
  #order(answer: Answer, incident: Incident, playbook?: string): Answer {
    const { store, now } = this.#core
    const role = carriedOutBy(answer.action)
    const expires = answer.seconds === undefined ? undefined : now() + answer.seconds * 1000
    const ordered = this.#put({ ...answer, state: 'ordered', ...(expires !== undefined && { expires }) })
    this.#step('commanded', incident, {
      action: { ...this.#facts(ordered), ...(playbook !== undefined && { playbook }) },
      by: ordered.decided_by ?? ordered.by,
    })
    if (isOver(incident)) {
      this.outcome(ordered, 'refused', `the incident is ${incident.state}`)
      return { ...ordered, state: 'refused' }
    }
    if (ordered.action.type === 'run_command') {
      if (ordered.dry_run) this.outcome(ordered, 'applied', 'dry run: nothing was started')
      else
        store.work.add(
          {
            incident: incident.id,
            kind: PROGRAM_WORK,
            target: ordered.action.command,
            body: { answer: ordered.id },
          },
          now(),
        )
      return ordered
    }
    const body = {
      id: ordered.id,
      time: now(),
      incident: incident.id,
      by: shorten(ordered.by, 200),
      action: ordered.action,
      ...(expires !== undefined && { expires }),
      dry_run: ordered.dry_run,
    }
    store.work.add({ incident: incident.id, kind: COMMAND_WORK, target: role, body }, now())
    return ordered
  }

  #put(answer: Answer): Answer {
    const asked = answer.ask_until !== undefined
    const before = asked && this.#answers.get(answer.id)?.state === 'asked' ? 1 : 0
    const after = asked && answer.state === 'asked' ? 1 : 0
    if (before !== after)
      this.#asking.putSync(answer.incident, (this.#asking.get(answer.incident) ?? 0) + after - before)
    this.#answers.putSync(answer.id, answer)
    return answer
  }

  #facts({ id, action, digest, dry_run, expires }: Answer) {
    return { type: action.type, digest, id, dry_run, ...(expires !== undefined && { expires }) }
  }

  #step(name: StepName, incident: Incident, more: Parameters<typeof stepOf>[3]): void {
    const { store, now } = this.#core
    store.addStep(stepOf(name, now(), incident, more))
  }

  #approvalStep(
    name: 'requested' | 'granted' | 'denied' | 'expired',
    answer: Answer,
    incident: Incident,
  ): void {
    const { store, now } = this.#core
    store.addStep({
      incident: incident.id,
      kind: `approval.${name}`,
      time: now(),
      members: {
        approval: { id: answer.id },
        in: { alg: 'sha256', hash: answer.digest, salted: true },
        target: { server: carriedOutBy(answer.action), tool: answer.action.type },
        by: shorten(name === 'requested' ? answer.by : (answer.decided_by ?? 'nobody'), 200),
        ...(answer.ask_until !== undefined && { expires: answer.ask_until }),
      },
    })
  }
}
