import type { IssueRef } from '../incident.js'
import type { Filed, Intent, IssueDraft, Tracker } from './tracker.js'

export interface Attempt {
  /** Whether an earlier attempt may have done the work: it had no clear outcome, or we ended in the middle of it. */
  readonly resumed: boolean
  /** When the intent was made durable, in milliseconds since the Unix epoch. */
  readonly since: number
  /** Ends after so many milliseconds, or early when the signal is aborted. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>
}

/**
 * Files an issue once. After an attempt that may have worked the tracker is read first, and again when its reads can no
 * longer be behind; only when both reads show nothing is the issue filed again. A tracker without a read gets it again at
 * once.
 * @throws TrackerError
 */
export async function ensureFiled(
  tracker: Tracker,
  draft: IssueDraft,
  attempt: Attempt,
  signal: AbortSignal,
): Promise<Filed> {
  const intent: Intent = { marker: draft.marker, since: attempt.since }
  const found = attempt.resumed
    ? await settled(tracker, attempt, signal, () => tracker.find?.(intent, signal))
    : undefined
  return found ?? tracker.create(draft, signal)
}

/**
 * Adds a comment once, in the same way. A tracker that takes no comments gets none.
 * @throws TrackerError
 */
export async function ensureCommented(
  tracker: Tracker,
  ref: IssueRef,
  text: string,
  marker: string,
  attempt: Attempt,
  signal: AbortSignal,
): Promise<void> {
  const intent: Intent = { marker, since: attempt.since }
  const there = attempt.resumed
    ? await settled(
        tracker,
        attempt,
        signal,
        async () => (await tracker.hasComment?.(ref, intent, signal)) || undefined,
      )
    : undefined
  if (there === undefined) await tracker.comment?.(ref, text, marker, signal)
}

/** What a read shows once the tracker cannot be behind with it any more. */
async function settled<T>(
  tracker: Tracker,
  { pause }: Attempt,
  signal: AbortSignal,
  read: () => Promise<T | undefined> | undefined,
): Promise<T | undefined> {
  const first = read()
  if (first === undefined) return undefined
  const found = await first
  if (found !== undefined) return found
  await pause(tracker.lagMs, signal)
  signal.throwIfAborted()
  return read()
}
