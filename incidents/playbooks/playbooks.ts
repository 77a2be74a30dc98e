import type { Database } from 'lmdb'
import { messageOf } from '../../runtime/errors.js'
import { shorten } from '../../runtime/text.js'
import type { AnswerAction } from '../answers/action.js'
import { EXPIRES } from '../answers/action.js'
import type { Answers } from '../answers/answers.js'
import { aim } from '../answers/subjects.js'
import type { Change } from '../change.js'
import type { Core } from '../core.js'
import { IncidentError } from '../errors.js'
import { isOver } from '../incident.js'
import type { Evidence, Incident } from '../incident.js'
import { stepOf } from '../step.js'
import type { WorkQueue } from '../work/queue.js'
import { done } from '../work/work.js'
import type { Work } from '../work/work.js'
import type { PlaybookAction, PlaybookConfig } from './config.js'
import { isDetection, isTrigger, matches } from './match.js'

const WAIT_WORK = 'playbook.wait'

/** What playbooks have others do. Each decides inside the running transaction of the store. */
export interface PlaybookPorts {
  readonly trackers: readonly string[]
  readonly channels: readonly string[]
  /** Has an incident filed; false when there is no such tracker. */
  file(incident: string, tracker: string): boolean
  /** @throws when there is no such agent, or it is disabled */
  dispatch(incident: string, agent: string, by: string): void
  notify(incident: Incident, channel: string, event: string): void
}

/** How far a playbook is with an incident. */
interface PlaybookRun {
  /** The action that comes next. */
  readonly next: number
  readonly state: 'running' | 'waiting' | 'done' | 'stopped'
  /** Who began it: `playbook:NAME`, or the person who did. */
  readonly by: string
  readonly dry_run: boolean
  /** Grows with each wait, so that a timer of an earlier one is known. */
  readonly waits: number
  /** Work that ends the wait. */
  readonly timer?: string
}

type AnswerStep = Extract<PlaybookAction, { readonly approval: boolean }>
const isAnswer = (action: PlaybookAction): action is AnswerStep => 'approval' in action

/**
 * Runs playbooks. A playbook begins once for an incident, until that is re-opened; how far it is changes in the same
 * transaction as what it does, so that a crash neither leaves an action out nor does one twice. Answers that it gave go on
 * for as long as the incident does: to every further subject that a detection names.
 */
export class Playbooks {
  readonly #core: Core
  readonly #answers: Answers
  readonly #ports: PlaybookPorts
  readonly #runs: Database<PlaybookRun, [incident: string, playbook: string]>

  constructor(core: Core, answers: Answers, ports: PlaybookPorts) {
    this.#core = core
    this.#answers = answers
    this.#ports = ports
    this.#runs = core.store.table('playbook-runs')
  }

  readonly reaction = (change: Change): void => {
    const { type, incident } = change
    for (const playbook of this.#core.settings.playbooks) {
      const key: [string, string] = [incident.id, playbook.name]
      if (type === 'reopened') this.#forget(key)
      const run = this.#runs.get(key)
      if (run?.state === 'waiting') this.#look(playbook, run, incident, type)
      else if (run && type === 'repeated') this.#follow(playbook, run, incident)
      else if (!run && isTrigger(playbook.match, type) && matches(playbook.match, incident))
        this.#begin(playbook, incident, `playbook:${playbook.name}`, playbook.dry_run)
    }
  }

  /**
   * Begins a playbook because a person wants it, whatever it is for.
   *
   * @param by `person:NAME`; may not approve what it asks for
   * @throws IncidentError `NOT_FOUND`, `INCIDENT_NOT_FOUND`, `CONFLICT` while it runs or when the incident is over
   */
  begin(name: string, incident: string, by: string, dry_run: boolean): void {
    const playbook = this.#core.settings.playbooks.find((known) => known.name === name)
    if (!playbook) throw new IncidentError('NOT_FOUND', `there is no playbook ${shorten(name, 100)}`)
    const found = this.#core.lifecycle.get(incident)
    if (isOver(found))
      throw new IncidentError('CONFLICT', `incident ${incident} is ${found.state}; re-open it first`)
    const state = this.#runs.get([incident, name])?.state
    if (state === 'running' || state === 'waiting')
      throw new IncidentError('CONFLICT', `the playbook ${name} is ${state} already`)
    this.#begin(playbook, found, by, dry_run || playbook.dry_run)
  }

  register(queue: WorkQueue): void {
    queue.register(WAIT_WORK, async (work) => done(() => this.#timeOver(work)))
  }

  #begin(playbook: PlaybookConfig, incident: Incident, by: string, dry_run: boolean): void {
    this.#advance(playbook, { next: 0, state: 'running', by, dry_run, waits: 0 }, incident)
  }

  #forget(key: [incident: string, playbook: string]): void {
    const timer = this.#runs.get(key)?.timer
    if (timer !== undefined) this.#core.store.work.remove(timer)
    this.#runs.removeSync(key)
  }

  /** Does what comes next, up to the end or the next wait. */
  #advance(playbook: PlaybookConfig, from: PlaybookRun, incident: Incident): void {
    const key: [string, string] = [incident.id, playbook.name]
    const { timer: ended, ...still } = from
    // An incident that is over is not finished while anything waits.
    if (ended !== undefined) this.#core.store.work.remove(ended)
    let run: PlaybookRun = { ...still, state: 'running' }
    for (;;) {
      const action = playbook.actions[run.next]
      if (!action) {
        this.#runs.putSync(key, { ...run, state: 'done' })
        return
      }
      run = { ...run, next: run.next + 1 }
      if (action.type === 'wait_for' && !run.dry_run) {
        if (this.#isMet(action, incident)) continue
        const { timeout_seconds } = action
        run = { ...run, state: 'waiting', waits: run.waits + 1 }
        const { store, now } = this.#core
        const target = `${WAIT_WORK} ${playbook.name}`
        const body = { playbook: playbook.name, wait: run.waits }
        const { id: timer } = store.work.add(
          { incident: incident.id, kind: WAIT_WORK, target, body, due: now() + timeout_seconds * 1000 },
          now(),
        )
        this.#runs.putSync(key, { ...run, timer })
        return
      }
      // Written first: what an action sets off may look at it.
      this.#runs.putSync(key, run)
      try {
        this.#do(action, playbook, run, incident)
      } catch (error) {
        this.#say('failed', incident, `${playbook.name}: ${action.type}: ${messageOf(error)}`)
      }
    }
  }

  #do(action: PlaybookAction, playbook: PlaybookConfig, run: PlaybookRun, incident: Incident): void {
    if (isAnswer(action)) return this.#give(action, playbook, run, incident, incident.evidence)
    if (run.dry_run) {
      const { type, ...rest } = action
      return this.#say('responded', incident, `dry run of ${playbook.name}: ${type} ${JSON.stringify(rest)}`)
    }
    switch (action.type) {
      case 'file_issue':
        for (const tracker of action.trackers ?? this.#ports.trackers) this.#ports.file(incident.id, tracker)
        return
      case 'dispatch_agent':
        return this.#ports.dispatch(incident.id, action.agent, run.by)
      case 'notify':
        return this.#notify(incident, action.channels, `incident.${playbook.name}`)
      case 'escalate':
        this.#say('escalated', incident, `by playbook ${playbook.name}`, { by: run.by })
        if (action.to !== undefined && !isOver(incident))
          this.#core.lifecycle.assign(incident.id, action.to, { name: run.by })
        return this.#notify(incident, action.channels, 'incident.escalated')
      case 'wait_for':
        return
    }
  }

  /** Answers that were given already, for what the latest detection names. */
  #follow(playbook: PlaybookConfig, run: PlaybookRun, incident: Incident): void {
    const latest = incident.evidence.slice(-1)
    for (const action of playbook.actions.slice(0, run.next))
      if (isAnswer(action) && action.type !== 'run_command')
        this.#give(action, playbook, run, incident, latest)
  }

  #give(
    step: AnswerStep,
    playbook: PlaybookConfig,
    { by, dry_run }: PlaybookRun,
    incident: Incident,
    evidence: readonly Evidence[],
  ): void {
    for (const action of this.#actionsOf(step, evidence))
      this.#answers.give({
        incident,
        action,
        by,
        playbook: playbook.name,
        dry_run,
        approval: step.approval,
        ...('seconds' in step && EXPIRES.has(step.type) && { seconds: step.seconds }),
      })
  }

  #actionsOf(step: AnswerStep, evidence: readonly Evidence[]): readonly AnswerAction[] {
    return exactActions(step, evidence, this.#core.settings.answers.commands)
  }

  #isMet(action: Extract<PlaybookAction, { type: 'wait_for' }>, incident: Incident): boolean {
    if (action.what === 'resolved') return isOver(incident)
    return action.what === 'answered' && !this.#answers.isAsking(incident.id)
  }

  /** Goes on with one that waits, when a change is what it waits for. */
  #look(playbook: PlaybookConfig, run: PlaybookRun, incident: Incident, type: Change['type']): void {
    const wait = playbook.actions[run.next - 1]
    if (wait?.type !== 'wait_for') return
    // What else it waits for is of no more interest, and the record of what is over ends.
    if (type === 'resolved' && wait.what !== 'resolved') this.#stop(playbook, run, incident)
    else if ((wait.what === 'run_completed' && type === 'run_completed') || this.#isMet(wait, incident))
      this.#advance(playbook, run, incident)
    else if (isDetection(type)) this.#follow(playbook, run, incident)
  }

  #stop({ name }: PlaybookConfig, run: PlaybookRun, incident: Incident): void {
    this.#end([incident.id, name], run)
    this.#say('responded', incident, `${name}: stopped, the incident is ${incident.state}`)
  }

  #end(key: [incident: string, playbook: string], { timer, ...run }: PlaybookRun): void {
    if (timer !== undefined) this.#core.store.work.remove(timer)
    this.#runs.putSync(key, { ...run, state: 'stopped' })
  }

  #timeOver({ incident: id, body }: Work): void {
    const { playbook: name, wait } = body as { readonly playbook: string; readonly wait: number }
    const playbook = this.#core.settings.playbooks.find((known) => known.name === name)
    const incident = this.#core.store.get(id)
    const run = this.#runs.get([id, name])
    if (!playbook || !incident || run?.state !== 'waiting' || run.waits !== wait) return
    const action = playbook.actions[run.next - 1]
    if (action?.type === 'wait_for' && action.what !== 'time' && action.else === 'stop') {
      this.#end([id, name], run)
      this.#say('failed', incident, `${name}: waited for ${action.what} until the time was over`)
    } else this.#advance(playbook, run, incident)
  }

  #notify(incident: Incident, channels: readonly string[] | undefined, event: string): void {
    for (const channel of channels ?? this.#ports.channels) this.#ports.notify(incident, channel, event)
  }

  #say(
    name: 'failed' | 'responded' | 'escalated',
    incident: Incident,
    text: string,
    more: { readonly by?: string } = {},
  ): void {
    const { store, now } = this.#core
    const said = shorten(text, 1000)
    store.addStep(
      stepOf(name, now(), incident, { ...(name === 'failed' ? { error: said } : { reason: said }), ...more }),
    )
  }
}

/** The exact actions that a step of a playbook comes to. */
export function exactActions(
  step: AnswerStep,
  evidence: readonly Evidence[],
  commands: readonly { readonly name: string; readonly run: readonly string[] }[],
): readonly AnswerAction[] {
  if (step.type !== 'run_command') {
    const options = 'prefix_v4' in step || 'allow' in step ? step : {}
    return aim(step.type, evidence, options).map(({ action }) => action)
  }
  const argv = commands.find(({ name }) => name === step.command)?.run
  if (!argv) throw new IncidentError('NOT_FOUND', `there is no command ${step.command}`)
  return [{ type: 'run_command', command: step.command, argv }]
}
