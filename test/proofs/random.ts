/** Seeded random numbers: a failing run can be repeated. */
export function randomSource(seed: number): {
  below(limit: number): number
  bytes(length: number): Uint8Array
} {
  let state = seed >>> 0
  const next = (): number => {
    // Mulberry-style mixing of a counter; quality only matters for variety.
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  const below = (limit: number): number => next() % limit
  return { below, bytes: (length) => Uint8Array.from({ length }, () => below(256)) }
}

/** Some damage to some bytes: flips, cuts, doubled and moved parts. */
export function damage(bytes: Uint8Array, random: ReturnType<typeof randomSource>): Uint8Array {
  let result = Uint8Array.from(bytes)
  for (let i = 0; i <= random.below(4); i++) {
    const at = random.below(Math.max(1, result.length))
    const to = Math.min(result.length, at + random.below(40))
    switch (random.below(5)) {
      case 0:
        if (result.length > 0) result[at] = random.below(256)
        break
      case 1:
        result = result.slice(0, at)
        break
      case 2:
        result = Uint8Array.from([...result.slice(0, to), ...result.slice(at)])
        break
      case 3:
        result = Uint8Array.from([...result.slice(0, at), ...result.slice(to)])
        break
      default:
        result = Uint8Array.from([...result.slice(0, at), ...random.bytes(3), ...result.slice(at)])
    }
  }
  return result
}

/**
 * How much longer `work` takes on four times the input: the best of several runs of each, so that a busy machine does
 * not decide. Linear work gives about 4, quadratic 16.
 */
export function growth(work: (size: number) => () => unknown, size: number): number {
  // Processor time: what other processes take from this one is no work of its own.
  const elapsed = (run: () => unknown): number => {
    const start = process.cpuUsage()
    run()
    const { user, system } = process.cpuUsage(start)
    return Math.max(1, user + system)
  }
  const small = work(size)
  const large = work(size * 4)
  const least = { small: Number.POSITIVE_INFINITY, large: Number.POSITIVE_INFINITY }
  // The first rounds also warm up the compiler; taking turns keeps a burst of other load from hitting only one side.
  for (let round = 0; round < 20; round++) {
    least.large = Math.min(least.large, elapsed(large))
    for (let i = 0; i < 3; i++) least.small = Math.min(least.small, elapsed(small))
    // Only quadratic work stays above; there is no need to go on.
    if (round >= 3 && least.large < least.small * 8) break
  }
  return least.large / least.small
}
