import type { AnchorBook } from './archive.js'
import { isMined } from './record.js'

/** The anchors in Prometheus' text format. */
export function anchorMetrics(book: AnchorBook): string {
  const targets = book.targets(Infinity)
  const rows: readonly (readonly [
    name: string,
    help: string,
    value: (target: (typeof targets)[number]) => number,
  ])[] = [
    [
      'portcullis_ledger_anchor_final_size',
      'Entries of the largest tree that is final on the chain.',
      ({ records }) => records.findLast(({ state }) => state === 'finalized')?.size ?? 0,
    ],
    [
      'portcullis_ledger_anchor_pending',
      'Anchors that no block has yet.',
      ({ records }) => records.filter((record) => record.state !== 'superseded' && !isMined(record)).length,
    ],
    [
      'portcullis_ledger_anchor_orphaned',
      'How often a block with an anchor was undone.',
      ({ records }) => records.reduce((sum, { orphaned }) => sum + orphaned, 0),
    ],
    [
      'portcullis_ledger_anchor_failing',
      'Whether the last look at the chain failed.',
      ({ problem }) => (problem === undefined ? 0 : 1),
    ],
  ]
  return rows
    .map(([name, help, value]) => {
      const lines = targets.map((target) => `${name}{anchor="${target.config.name}"} ${value(target)}\n`)
      return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${lines.join('')}`
    })
    .join('')
}
