/**
 * Why LMDB refused a write. lmdb rejects with an error whose `commitError` is a promise that rejects with the reason; a
 * rejection that nobody took up would end the process, so this is asked for every write that fails.
 */
export const lmdbCause = async (error: unknown): Promise<unknown> => {
  if (!(error instanceof Error) || !('commitError' in error)) return error
  try {
    await error.commitError
    return error
  } catch (reason) {
    return reason
  }
}
