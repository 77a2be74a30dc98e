import type { Sample, Source, Split } from './corpus.js'
import type { Judgement } from './evaluation.js'
import { auc, bootstrap, share, thresholdFor, type Estimate } from './metrics.js'
import type { Dropped } from './splits.js'

/** The tables of the model card, between its two marks. */

export interface Measured {
  readonly sources: readonly Source[]
  readonly kept: Readonly<Record<Split, readonly Sample[]>>
  readonly dropped: Readonly<Record<Split, Dropped>>
  readonly threshold: number
  readonly ruleSets: readonly string[]
  readonly test: readonly Judgement[]
  readonly field: readonly Judgement[]
  /** Web shells of the test split that the model still finds with each padding. */
  readonly padded: ReadonlyMap<string, number>
}

const ROUNDS = 1000
const SEED = 20261121

const percent = (value: number): string => `${(value * 100).toFixed(value < 0.01 ? 3 : 1)} %`
const interval = ({ value, low, high }: Estimate): string =>
  `${percent(value)} (${percent(low)} to ${percent(high)})`
const decimal = ({ value, low, high }: Estimate): string =>
  `${value.toFixed(4)} (${low.toFixed(4)} to ${high.toFixed(4)})`

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

type Judge = (judgement: Judgement) => boolean

/** The model at its threshold, each rule set, and each of them together with the model. */
function judges({ threshold, ruleSets }: Measured): [string, Judge][] {
  const byModel: Judge = ({ probability }) => probability >= threshold
  return [
    ['model', byModel],
    ...ruleSets.flatMap((name, at): [string, Judge][] => {
      const byRules: Judge = ({ hits }) => hits[at] ?? false
      return [
        [name, byRules],
        [`model or ${name}`, (judgement) => byModel(judgement) || byRules(judgement)],
      ]
    }),
  ]
}

const isShell = ({ sample }: Judgement): boolean => sample.label === 1

function dataTable({ kept, dropped, sources }: Measured): string {
  const splits: Split[] = ['train', 'validation', 'test', 'field']
  return table(
    [
      'split',
      'repositories',
      'web shells',
      'benign files',
      'copies left out',
      'in an earlier split',
      'in both labels',
    ],
    splits.map((split) => [
      split,
      String(sources.filter((source) => source.split === split).length),
      String(kept[split].filter((sample) => sample.label === 1).length),
      String(kept[split].filter((sample) => sample.label === 0).length),
      String(dropped[split].duplicates),
      String(dropped[split].acrossSplits),
      String(dropped[split].bothLabels),
    ]),
  )
}

function resultTable(measured: Measured): string {
  const shells = measured.test.filter(isShell)
  const benign = measured.test.filter((judgement) => !isShell(judgement))
  return table(
    ['judge', 'web shells found', 'of', 'interval', 'benign files hit', 'of', 'interval'],
    judges(measured).map(([name, judge]) => {
      const found = shells.filter(judge).length
      const wrong = benign.filter(judge).length
      return [
        name,
        String(found),
        String(shells.length),
        interval(share(found, shells.length)),
        String(wrong),
        String(benign.length),
        interval(share(wrong, benign.length)),
      ]
    }),
  )
}

function curveTable({ test }: Measured): string {
  const valued = (wanted: boolean) =>
    test
      .filter((judgement) => isShell(judgement) === wanted)
      .map(({ sample, probability }) => ({ source: sample.source, value: probability }))
  const figures: [string, (positives: readonly number[], negatives: readonly number[]) => number][] = [
    ['area under the ROC curve', auc],
    ...[0.01, 0.001].map((rate): [string, typeof auc] => [
      `found where ${percent(rate)} of the benign files are hit`,
      (positives, negatives) => {
        const threshold = thresholdFor(negatives, rate)
        return positives.filter((score) => score >= threshold).length / positives.length
      },
    ]),
  ]
  return table(
    ['figure (threshold read off the test split, so for comparison only)', 'value and 95 % interval'],
    figures.map(([name, figure], at) => [
      name,
      decimal(bootstrap(valued(true), valued(false), figure, ROUNDS, SEED + at)),
    ]),
  )
}

function sourceTable(measured: Measured, judgements: readonly Judgement[], shells: boolean): string {
  const named = judges(measured).filter(([,], at) => at < 3)
  const rows = measured.sources.flatMap((source, number) => {
    const files = judgements.filter(
      ({ sample }) => sample.source === number && (sample.label === 1) === shells,
    )
    if (files.length === 0) return []
    return [
      [
        source.repository,
        String(files.length),
        ...named.map(([, judge]) => String(files.filter(judge).length)),
      ],
    ]
  })
  return table(['repository', 'files', ...named.map(([name]) => name)], rows)
}

function wrongList({ test, threshold, sources }: Measured): string {
  const wrong = test
    .filter((judgement) => !isShell(judgement) && judgement.probability >= threshold)
    .toSorted((a, b) => b.probability - a.probability)
  return table(
    ['benign file that the model hits', 'probability'],
    wrong
      .slice(0, 25)
      .map(({ sample, probability }) => [
        `${sources[sample.source]?.repository ?? ''}: \`${sample.path.replaceAll('|', '\\|')}\``,
        probability.toFixed(3),
      ]),
  )
}

function paddingTable({ test, padded }: Measured): string {
  const shells = test.filter(isShell).length
  return table(
    ['with', 'found by the model', 'of', 'interval'],
    [...padded].map(([name, found]) => [name, String(found), String(shells), interval(share(found, shells))]),
  )
}

export function cardTables(measured: Measured): string {
  const { field, threshold } = measured
  return [
    `### Files\n\n${dataTable(measured)}`,
    `### Test split, threshold ${threshold.toFixed(4)} as frozen on the validation split\n\n` +
      `Intervals are Wilson's, 95 %, as if files were independent.\n\n${resultTable(measured)}`,
    `### Ranking\n\nIntervals by bootstrap over repositories, ${ROUNDS} rounds.\n\n${curveTable(measured)}`,
    `### Web shells of the test split by repository\n\n${sourceTable(measured, measured.test, true)}`,
    `### Benign files of the test split by repository\n\n${sourceTable(measured, measured.test, false)}`,
    `### Benign files that the model hits (at most 25)\n\n${wrongList(measured)}`,
    `### Web shells of the test split that are padded\n\n${paddingTable(measured)}`,
    `### In the wild: PHP taken from broken-into WordPress sites, labels not audited\n\n` +
      table(
        ['judge', 'files hit', 'of', 'interval'],
        judges(measured).map(([name, judge]) => {
          const found = field.filter(judge).length
          return [name, String(found), String(field.length), interval(share(found, field.length))]
        }),
      ),
  ].join('\n\n')
}
