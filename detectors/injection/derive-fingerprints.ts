import { sqlContexts, sqlFingerprint, sqlShape } from './sqli.js'
import { attackShape } from './sqli-shapes.js'

/** Letters that a fingerprint must have one of: what is made of names, numbers and signs only says nothing. */
const telling = /[EDMTJUBHOGgfe&aL]/
/** Shorter ones are too common. */
const minLength = 3

/**
 * Derives the fingerprints that complete the shapes of `sqli-shapes.ts`: of attacks that no shape describes. An attack is read in several contexts, of which
 * one is the telling one; which, nobody wrote down. So fingerprints that benign values have are struck out, and of the rest the fewest are kept that still
 * cover all attacks, the most frequent first.
 */
export function deriveFingerprints(attacks: Iterable<string>, benign: Iterable<string>): readonly string[] {
  const harmless = new Set([...benign].flatMap(fingerprintsOf))
  let open = [...attacks]
    .filter((value) => !sqlContexts(value).some((context) => attackShape.test(sqlShape(value, context))))
    .map((value) =>
      fingerprintsOf(value).filter(
        (fingerprint) =>
          fingerprint.length >= minLength && telling.test(fingerprint) && !harmless.has(fingerprint),
      ),
    )
  const kept: string[] = []
  for (;;) {
    const counts = new Map<string, number>()
    for (const fingerprint of open.flat()) counts.set(fingerprint, (counts.get(fingerprint) ?? 0) + 1)
    const best = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))[0]
    if (best === undefined) return kept.sort()
    kept.push(best[0])
    open = open.filter((candidates) => !candidates.includes(best[0]))
  }
}

function fingerprintsOf(value: string): readonly string[] {
  return [...new Set(sqlContexts(value).map((context) => sqlFingerprint(sqlShape(value, context))))]
}
