import type { Witnessing } from './witnessing.js'

type Row = readonly [name: string, type: 'gauge' | 'counter', help: string, samples: readonly string[]]

/** In Prometheus' text format. */
export function witnessingMetrics(witnessing: Witnessing): string {
  const { witnessed, equivocations, followers } = witnessing
  const prefix = 'portcullis_ledger_witness'
  const each = (value: (follower: (typeof followers)[number]) => number | undefined): string[] =>
    followers.flatMap((follower) => {
      const number = value(follower)
      return number === undefined ? [] : [`{witness="${escape(follower.client.name)}"} ${number}`]
    })
  const rows: readonly Row[] = [
    [
      'portcullis_ledger_witnessed_entries',
      'gauge',
      'Entries that the newest checkpoint with a quorum covers.',
      [` ${witnessed?.size ?? 0}`],
    ],
    [
      `${prefix}_quorum`,
      'gauge',
      'Whether the quorum follows.',
      [` ${witnessing.unmet() === undefined ? 1 : 0}`],
    ],
    [
      `${prefix}_cosigned_time_seconds`,
      'gauge',
      'When a witness last cosigned.',
      each(({ cosigned }) => (cosigned === undefined ? undefined : cosigned / 1000)),
    ],
    [
      `${prefix}_failures_total`,
      'counter',
      'Requests without a cosignature.',
      each(({ failures }) => failures),
    ],
    [
      'portcullis_ledger_equivocations',
      'gauge',
      "Proofs that this log's key signed two histories.",
      [` ${equivocations.count}`],
    ],
  ]
  return rows
    .map(([name, type, help, samples]) => {
      const lines = samples.map((sample) => `${name}${sample}\n`).join('')
      return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines}`
    })
    .join('')
}

const escape = (label: string): string => label.replaceAll(/["\\]/g, (one) => `\\${one}`)
