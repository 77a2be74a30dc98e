/** How long lmdb's own word on a failed write is waited for. Under a full disk it does not always come. */
const CAUSE_MS = 1_000
/** How long a transaction is waited for; a disk that takes longer counts as one that failed. */
const WRITE_MS = 30_000

/** What `work` gives, or what `late` gives once the time is over. */
const within = <T>(work: Promise<T>, ms: number, late: () => T): Promise<T> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      try {
        resolve(late())
      } catch (error) {
        reject(error)
      }
    }, ms)
    work.finally(() => clearTimeout(timer)).then(resolve, reject)
  })

/**
 * Why LMDB refused a write. lmdb rejects with an error whose `commitError` is a promise that rejects with the reason; a
 * rejection that nobody took up would end the process, so this is asked for every write that fails.
 */
export const lmdbCause = async (error: unknown): Promise<unknown> => {
  if (!(error instanceof Error) || !('commitError' in error)) return error
  const reason = Promise.resolve(error.commitError).then(
    () => error,
    (cause: unknown) => cause,
  )
  return within<unknown>(reason, CAUSE_MS, () => error)
}

/** Waits for a transaction and rejects with the reason of its failure; it settles, whatever the disk does. */
export const lmdbWrite = async <T>(work: Promise<T>): Promise<T> => {
  try {
    return await within(work, WRITE_MS, () => {
      throw new Error(`the store has not written for ${WRITE_MS / 1000} s`)
    })
  } catch (error) {
    throw await lmdbCause(error)
  }
}
