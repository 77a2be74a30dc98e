/** Sizes that are compared: work that grows with the square would take 64 times as long. */
const FACTOR = 8
const ROUNDS = 7
const ATTEMPTS = 4

/** More than this for eight times the input is not linear, however busy the machine is. */
export const LINEAR = 30

/**
 * How many times longer the work takes for eight times the input: the best of several rounds each, and of several attempts, since a busy
 * machine makes work seem slower but never faster.
 */
export function growth(make: (n: number) => () => unknown, n: number): number {
  const small = make(n)
  const large = make(n * FACTOR)
  let least = Infinity
  for (let attempt = 0; attempt < ATTEMPTS && least >= LINEAR; attempt++) {
    least = Math.min(least, best(large) / best(small))
  }
  return least
}

/** Least processor time in microseconds. */
function best(run: () => unknown): number {
  let least = Infinity
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.cpuUsage()
    run()
    const { user, system } = process.cpuUsage(start)
    least = Math.min(least, Math.max(1, user + system))
  }
  return least
}
