/**
 * Starts work on the items ahead of the one that is taken, at most `limit` at a time, and hands the results out in the
 * order of the items. What runs is waited for when the taker stops early.
 */
export async function* ahead<T, R>(
  items: Iterable<T>,
  limit: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const running: Promise<R>[] = []
  try {
    for (const item of items) {
      const started = work(item)
      // Whoever takes it sees the failure; until then nobody listens.
      started.catch(() => undefined)
      running.push(started)
      if (running.length < limit) continue
      const first = running.shift()
      if (first !== undefined) yield await first
    }
    while (running.length > 0) {
      const first = running.shift()
      if (first !== undefined) yield await first
    }
  } finally {
    await Promise.allSettled(running)
  }
}
