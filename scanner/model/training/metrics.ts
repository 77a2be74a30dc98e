import { randomOf } from './gradient-boosting.js'

/** A figure with its 95 % interval. */
export interface Estimate {
  readonly value: number
  readonly low: number
  readonly high: number
}

/** Scores of one label, ascending. */
const ascending = (scores: readonly number[]): Float64Array => Float64Array.from(scores).toSorted()

/** How many of `sorted` are below `value`, and how many are not above it. */
function rank(sorted: Float64Array, value: number): { below: number; upTo: number } {
  const first = (above: boolean): number => {
    let low = 0
    let high = sorted.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const at = sorted[middle] ?? 0
      if (at < value || (above && at === value)) low = middle + 1
      else high = middle
    }
    return low
  }
  return { below: first(false), upTo: first(true) }
}

/** Area under the ROC curve: the chance that a positive scores above a negative, ties counted half. */
export function auc(positives: readonly number[], negatives: readonly number[]): number {
  const sorted = ascending(negatives)
  let sum = 0
  for (const score of positives) {
    const { below, upTo } = rank(sorted, score)
    sum += (below + upTo) / 2
  }
  return sum / (positives.length * negatives.length)
}

/** The least threshold that at most `share` of the negatives reach. */
export function thresholdFor(negatives: readonly number[], share: number): number {
  const sorted = ascending(negatives)
  const allowed = Math.floor(sorted.length * share)
  const highest = sorted[sorted.length - 1 - allowed]
  if (highest === undefined) return 1
  // Half way to the next score above, so that the threshold does not sit on one file's score.
  const next = sorted[rank(sorted, highest).upTo] ?? 1
  return (highest + next) / 2
}

/** Wilson's interval of a share (1927): honest for few files and for shares near 0 and 1. */
export function share(hits: number, of: number): Estimate {
  const z = 1.959964
  const p = hits / of
  const scale = 1 + (z * z) / of
  const middle = (p + (z * z) / (2 * of)) / scale
  const half = (z / scale) * Math.sqrt((p * (1 - p)) / of + (z * z) / (4 * of * of))
  return { value: p, low: Math.max(0, middle - half), high: Math.min(1, middle + half) }
}

export interface Judged {
  /** Files of one source resemble one another. */
  readonly source: number
  readonly value: number
}

/**
 * The interval of a figure over positives and negatives by the bootstrap over sources (percentiles 2.5 and 97.5): whole
 * repositories are drawn, since the files of one are not independent.
 */
export function bootstrap(
  positives: readonly Judged[],
  negatives: readonly Judged[],
  figure: (positives: readonly number[], negatives: readonly number[]) => number,
  rounds: number,
  seed: number,
): Estimate {
  const random = randomOf(seed)
  const bySource = (files: readonly Judged[]): number[][] => {
    const groups = new Map<number, number[]>()
    for (const { source, value } of files) {
      const group = groups.get(source)
      if (group) group.push(value)
      else groups.set(source, [value])
    }
    return [...groups.values()]
  }
  const draw = (groups: readonly number[][]): number[] =>
    groups.flatMap(() => groups[Math.floor(random() * groups.length)] ?? [])
  const [shells, others] = [bySource(positives), bySource(negatives)]
  const drawn = Float64Array.from({ length: rounds }, () => figure(draw(shells), draw(others))).toSorted()
  const at = (quantile: number): number => drawn[Math.floor(quantile * (rounds - 1))] ?? Number.NaN
  const valuesOf = (files: readonly Judged[]): number[] => files.map((file) => file.value)
  return { value: figure(valuesOf(positives), valuesOf(negatives)), low: at(0.025), high: at(0.975) }
}
