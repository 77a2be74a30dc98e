/** Best processor time of a few runs in milliseconds: what the work costs when nothing disturbs it. */
export function bestOf(runs: number, work: () => void): number {
  let best = Infinity
  for (let run = 0; run < runs; run++) {
    const start = process.cpuUsage()
    work()
    const { user, system } = process.cpuUsage(start)
    best = Math.min(best, (user + system) / 1000)
  }
  return best
}

/**
 * How much dearer four times the input is: 4 for linear work, 16 for quadratic. What takes less than a millisecond counts as one; the least of a few
 * measurements counts, for noise can only make work look worse.
 */
export function growth(work: (size: number) => void, size: number): number {
  let least = Infinity
  for (let attempt = 0; attempt < 5 && least >= 8; attempt++) {
    const small = bestOf(2, () => work(size))
    const large = bestOf(3, () => work(size * 4))
    least = Math.min(least, large / Math.max(small, 1))
  }
  return least
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
