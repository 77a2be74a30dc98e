import { z } from 'zod'

/** `payload` of `task.dispatch`. */
export const dispatchPayload = z.object({
  run_id: z.string().min(1).max(200).nullish(),
  issue_id: z.string().max(200).nullish(),
  agent: z.string().max(200).nullish(),
  body: z.record(z.string(), z.unknown()).nullish(),
})

/** `payload` of `task.ack`. The end that got a result acknowledges it the same way, so that it is not sent again. */
export const ackPayload = z.object({ run_id: z.string().min(1).max(200) })

/** `payload` of `task.result`; `proposed_actions` is ours, others leave it out. */
export const resultPayload = z.object({
  run_id: z.string().min(1).max(200),
  status: z.enum(['success', 'failed', 'timeout']),
  summary: z.string().default(''),
  proposed_actions: z.unknown().optional(),
})

/** `payload` of `error`. */
export const errorPayload = z.object({ reason: z.string().max(200) })
