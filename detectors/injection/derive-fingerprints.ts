import { sqlContexts, sqlFingerprint } from './sqli.js'

export interface Derivation {
  readonly fingerprints: readonly string[]
  /** Fingerprints that benign values have too, kept because attacks have them far more often. */
  readonly disputed: readonly string[]
}

/** How many attacks must need a disputed fingerprint for each benign value that has it. */
const attacksPerBenign = 8
/** Fingerprints that leave little doubt: a second query, a second statement, or a condition that compares, calls or asks. */
const plainSql = /U\(?E|;\(?[ET]|E.*[fk]|X|&.*[of(E]|^[qQ]\)*[&UBoE;]|B.*[ck]/
/** At most so many benign values of the collected ones may share a disputed fingerprint. */
const maxBenign = 2

/**
 * Derives the fingerprints of attacks. An attack is read in several contexts, of which one is the telling one; which, nobody wrote down. So fingerprints
 * that benign values have are struck out, and of the rest the fewest are kept that still cover all attacks, the most frequent first. The sentences of the attack grammar are
 * treated the same after the collected attacks.
 */
export function deriveFingerprints(
  attacks: Iterable<string>,
  attackGrammar: Iterable<string>,
  benign: Iterable<string>,
  benignGrammar: Iterable<string>,
): Derivation {
  const harmless = new Map<string, number>()
  for (const value of benignGrammar)
    for (const fingerprint of fingerprintsOf(value)) harmless.set(fingerprint, maxBenign + 1)
  for (const value of benign)
    for (const fingerprint of fingerprintsOf(value))
      harmless.set(fingerprint, (harmless.get(fingerprint) ?? 0) + 1)
  const kept = new Set<string>()
  const collected = [...attacks].map(fingerprintsOf)
  cover(collected, kept, (fingerprint) => telling(fingerprint) && !harmless.has(fingerprint))
  const sentences = [...attackGrammar].map(fingerprintsOf)
  cover(sentences, kept, (fingerprint) => telling(fingerprint) && !harmless.has(fingerprint))
  // What is plain SQL is kept in every shape that turned up, not only in the fewest: attackers vary it.
  const seen = [...collected, ...sentences].flat()
  for (const fingerprint of seen)
    if (plainSql.test(fingerprint) && !harmless.has(fingerprint)) kept.add(fingerprint)
  const disputed: string[] = []
  const needs = new Map<string, number>()
  for (const candidates of collected) {
    if (candidates.some((fingerprint) => kept.has(fingerprint))) continue
    for (const fingerprint of candidates) needs.set(fingerprint, (needs.get(fingerprint) ?? 0) + 1)
  }
  for (const [fingerprint, count] of needs) {
    const benignCount = harmless.get(fingerprint) ?? 0
    if (benignCount <= maxBenign && count >= attacksPerBenign * benignCount && telling(fingerprint))
      disputed.push(fingerprint)
  }
  return { fingerprints: [...kept, ...disputed].sort(), disputed: disputed.sort() }
}

/** A fingerprint tells something when it leaves a string or holds more than names, numbers and signs. */
function telling(fingerprint: string): boolean {
  return fingerprint.length > 1 && (/^[qQ]/.test(fingerprint) || /[EUTBX&fchk]/.test(fingerprint))
}

/** Greedy set cover: takes the fingerprint that covers most of what is not covered yet, until nothing is left to take. */
function cover(
  samples: readonly (readonly string[])[],
  kept: Set<string>,
  allowed: (fingerprint: string) => boolean,
): void {
  let open = samples.filter((candidates) => !candidates.some((fingerprint) => kept.has(fingerprint)))
  for (;;) {
    const counts = new Map<string, number>()
    for (const candidates of open)
      for (const fingerprint of candidates)
        if (allowed(fingerprint)) counts.set(fingerprint, (counts.get(fingerprint) ?? 0) + 1)
    const best = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))[0]
    if (best === undefined) return
    kept.add(best[0])
    open = open.filter((candidates) => !candidates.includes(best[0]))
  }
}

function fingerprintsOf(value: string): readonly string[] {
  return [...new Set(sqlContexts(value).map((context) => sqlFingerprint(value, context)))]
}
