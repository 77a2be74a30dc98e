import type { z } from 'zod'
import { TrackerError } from './errors.js'

/** @throws TrackerError `TRACKER_ANSWER` for an answer of another shape, which after a write leaves its outcome unknown */
export function understand<T>(schema: z.ZodType<T>, answer: unknown, tracker: string, writes: boolean): T {
  const parsed = schema.safeParse(answer)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new TrackerError(
    'TRACKER_ANSWER',
    `the answer of ${tracker} cannot be understood: ${issue?.path.join('.') || 'it'}: ${issue?.message ?? ''}`,
    { retryable: true, ambiguous: writes, cause: parsed.error },
  )
}
