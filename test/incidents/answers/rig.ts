import { EventEmitter, once } from 'node:events'
import type { Test } from 'tap'
import type { RunResult } from '../../../incidents/agents/run.js'
import { answering } from '../../../incidents/answers/connector.js'
import type { Evidence, Incident, Subject } from '../../../incidents/incident.js'
import { WorkQueue } from '../../../incidents/work/queue.js'
import type { Work } from '../../../incidents/work/work.js'
import { parseCommand } from '../../../runtime/commands.js'
import type { Command } from '../../../runtime/commands.js'
import { openOutbox } from '../../../runtime/lmdb-outbox.js'
import { openTopic } from '../../../runtime/topics.js'
import { uuidv7 } from '../../../runtime/uuid.js'
import { openIncident, openTestCore, silent } from '../fixtures/core.js'

export const SHA256 = 'ab'.repeat(32)

export const evidence = (...subjects: Subject[]): Evidence => ({
  event: uuidv7(Date.now()),
  time: Date.now(),
  summary: 'seen',
  subjects,
})

/** What a SQL injection at `/item` by 203.0.113.9 leaves. */
export const attack = (address = '203.0.113.9'): Evidence =>
  evidence(
    { type: 'client', address },
    { type: 'url', site: 'shop', host: 'shop.test', path: '/item' },
    { type: 'rule', site: 'shop', rule: 9_608_100, variable: 'ARGS:id', sample: "1' OR 1=1--" },
  )

export const badFile = (): Evidence =>
  evidence({ type: 'file', host: 'h', path: '/srv/up/shell.php', sha256: SHA256 })

/** Incidents with answers and playbooks, a real queue and a real outbox. */
export async function openRig(t: Test, config: object = {}, folder = t.testdir()) {
  const clock = { now: () => Date.now() }
  const core = await openTestCore(t, { config, clock, folder: `${folder}/incidents` })
  const outbox = openOutbox(`${folder}/outbox`)
  const commands = {
    gateway: openTopic(outbox, 'commands.gateway'),
    scanner: openTopic(outbox, 'commands.scanner'),
  }
  const results = new Map<string, RunResult>()
  /** What trackers, agents and channels were asked for. */
  const asked: string[] = []
  const connector = answering(
    { core, commands },
    {
      trackers: core.settings.trackers.map(({ name }) => name),
      channels: core.settings.alerts.map(({ name }) => name),
      file: (_, tracker) => asked.push(`file ${tracker}`) > 0,
      dispatch: (_, agent, by) => void asked.push(`dispatch ${agent} ${by}`),
      notify: (_, channel, event) => void asked.push(`notify ${channel} ${event}`),
      resultOf: (run) => results.get(run),
    },
  )
  if (connector.reaction) core.addReaction(connector.reaction)
  const attempts = new EventEmitter()
  const stepped = (): void => void attempts.emit('ended')
  const queue = new WorkQueue({ store: core.store, now: core.now, log: silent, stepped })
  connector.register?.(queue)
  queue.start()
  const { answers } = connector
  /** No such work waits any more. */
  const worked = async (such: (work: Work) => boolean): Promise<void> => {
    const waits = () => [...core.store.work.list()].some((work) => work.state === 'waiting' && such(work))
    while (waits()) await once(attempts, 'ended')
  }
  const close = async (): Promise<void> => {
    await queue.stop()
    await outbox.close()
    await core.store.close()
  }
  t.teardown(close)

  const rig = {
    core,
    answers,
    connector,
    asked,
    clock,
    folder,
    close,
    worked,
    /** Opens an incident about this evidence. */
    open: (seen: Evidence, more: Partial<Incident> = {}): Promise<Incident> =>
      openIncident(core, {
        evidence: [seen],
        detected: { kind: 'security.verdict', site: 'shop', phase: 'sql_injection', rule: 9_608_100 },
        ...more,
      }),
    /** One more detection. */
    repeat: (id: string, seen: Evidence): Promise<void> =>
      core.change(() => {
        const before = core.lifecycle.get(id)
        const incident = { ...before, count: before.count + 1, evidence: [...before.evidence, seen] }
        core.store.put(incident)
        core.lifecycle.react({ type: 'repeated', incident, by: { name: 'detection' } })
      }),
    /** An agent's run ends with these proposals. */
    propose: (id: string, ...proposed: RunResult['proposed_actions']): Promise<void> => {
      const run = uuidv7(Date.now())
      results.set(run, { run_id: run, status: 'success', summary: '', proposed_actions: proposed })
      return core.change(() =>
        core.lifecycle.react({
          type: 'run_completed',
          summary: '',
          incident: core.lifecycle.get(id),
          by: { name: 'agent:fixer' },
          run,
          agent: 'fixer',
          status: 'success',
        }),
      )
    },
    /** Does the work that is due, and gives the commands handed over since the last call. */
    async ordered(role: 'gateway' | 'scanner'): Promise<Command[]> {
      queue.wake()
      await worked(({ kind }) => kind === 'command')
      const taken: Command[] = []
      const consumer = commands[role].consume(role, async (items) => {
        for (const { bytes } of items) taken.push(parseCommand(role, bytes))
      })
      await consumer.drained()
      await consumer.stop()
      return taken
    },
    kinds: (id: string): string[] => core.store.timeline.list(id).map(({ kind }) => kind),
    steps: (id: string) => core.store.timeline.list(id),
    answersOf: (id: string) => [...answers.list()].filter(({ incident }) => incident === id).toReversed(),
  }
  return rig
}
