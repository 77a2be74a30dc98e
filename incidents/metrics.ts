import type { IncidentStore } from './store.js'
import type { WorkQueue } from './work/queue.js'

type Row = readonly [name: string, type: 'gauge' | 'counter', help: string, samples: readonly string[]]

/** What has been counted since the start. */
export interface Tallies {
  events: number
  unreadable: number
  unrecorded: number
}

/** Figures in Prometheus' text format. */
export function incidentMetrics(store: IncidentStore, queue: WorkQueue, tallies: Tallies): string {
  const rows: readonly Row[] = [
    ['portcullis_incidents_events_total', 'counter', 'Events taken in.', [` ${tallies.events}`]],
    [
      'portcullis_incidents_unreadable_total',
      'counter',
      'Events that could not be read.',
      [` ${tallies.unreadable}`],
    ],
    [
      'portcullis_incidents_unrecorded_total',
      'counter',
      'Steps that did not fit the ledger; an entry that says so stands for each.',
      [` ${tallies.unrecorded}`],
    ],
    [
      'portcullis_incidents_entries_waiting',
      'gauge',
      'Signed steps that the outbox has not taken yet.',
      [` ${store.sessions.waiting}`],
    ],
    [
      'portcullis_incidents_work_waiting',
      'gauge',
      'What follows from incidents and is not done yet.',
      queue.backlog.map(
        ({ kind, target, count }) => `{kind="${escape(kind)}",target="${escape(target)}"} ${count}`,
      ),
    ],
    [
      'portcullis_incidents_dead_letters',
      'gauge',
      'What follows from incidents and was given up.',
      [` ${store.work.dead}`],
    ],
  ]
  return rows
    .map(([name, type, help, samples]) => {
      const lines = samples.map((sample) => `${name}${sample}\n`).join('')
      return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines}`
    })
    .join('')
}

const escape = (label: string): string => label.replaceAll(/["\\\n]/g, '_')
