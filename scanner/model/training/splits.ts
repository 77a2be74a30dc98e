import { NearDuplicates } from './fingerprint.js'
import type { Sample, Split } from './corpus.js'

/** What was left out, and why. */
export interface Dropped {
  /** Written alike up to white space and comments, or built alike, within the split. */
  duplicates: number
  /** The same as a file of another split that comes first. */
  acrossSplits: number
  /** A file that the other label has too: a tool or template that a collection of web shells contains. */
  bothLabels: number
}

/**
 * Earlier splits keep a file that later ones also have: what the model learnt must not be what it is measured on, and the
 * threshold must not be set on it either.
 */
const ORDER: readonly Split[] = ['train', 'validation', 'test', 'field']

/** Programs shorter than this look alike by chance. */
const FEW_TOKENS = 100

/**
 * Takes near duplicates out of and between the splits. Within the train split only exact copies go: its weight on common
 * families is wanted; where we measure, each family of near duplicates counts once.
 */
export function separate(samples: readonly Sample[]): {
  kept: Record<Split, Sample[]>
  dropped: Record<Split, Dropped>
} {
  const benign = new NearDuplicates()
  for (const sample of samples) if (sample.label === 0) benign.add(sample.fingerprint)
  const kept: Record<Split, Sample[]> = { train: [], validation: [], test: [], field: [] }
  const none = (): Dropped => ({ duplicates: 0, acrossSplits: 0, bothLabels: 0 })
  const dropped = { train: none(), validation: none(), test: none(), field: none() }
  const before = new NearDuplicates()
  for (const split of ORDER) {
    const here = new NearDuplicates()
    for (const sample of samples) {
      if (sample.split !== split) continue
      const { fingerprint, label } = sample
      if (
        label === 1 &&
        (fingerprint.tokens >= FEW_TOKENS ? benign.has(fingerprint) : benign.hasExact(fingerprint))
      )
        dropped[split].bothLabels++
      else if (before.has(fingerprint)) dropped[split].acrossSplits++
      else if (split === 'train' ? here.hasExact(fingerprint) : here.has(fingerprint))
        dropped[split].duplicates++
      else {
        here.add(fingerprint)
        kept[split].push(sample)
      }
    }
    for (const sample of samples) if (sample.split === split) before.add(sample.fingerprint)
  }
  return { kept, dropped }
}
