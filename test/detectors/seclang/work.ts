/** Best time of a few runs in milliseconds: what the work costs when nothing disturbs it. */
export function bestOf(runs: number, work: () => void): number {
  let best = Infinity
  for (let run = 0; run < runs; run++) {
    const start = performance.now()
    work()
    best = Math.min(best, performance.now() - start)
  }
  return best
}

/**
 * How much dearer four times the input is: 4 for linear work, 16 for quadratic. Work too small to measure counts as linear.
 */
export function growth(work: (size: number) => void, size: number): number {
  const small = bestOf(3, () => work(size))
  const large = bestOf(3, () => work(size * 4))
  return large < 5 ? 4 : large / Math.max(small, 0.2)
}

/** A seeded generator of numbers in [0, 1): the same bytes on every run (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

/** A byte string of the given pieces in random order. */
export function mixture(pieces: readonly string[], length: number, random: () => number): string {
  let text = ''
  while (text.length < length) text += pieces[Math.floor(random() * pieces.length)] ?? ''
  return text.slice(0, length)
}
