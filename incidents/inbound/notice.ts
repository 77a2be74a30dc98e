import type { z } from 'zod'
import type { IncidentState } from '../incident.js'
import { WebhookError } from './errors.js'

/** A task that a tracker gives to a bot. */
export interface BotTask {
  readonly bot_id: string
  readonly bot_name: string
  readonly bot_agent_type: string
  /** What makes two events the same task: an assignment tells of itself twice. */
  readonly cause: string
  /** The tracker's id of it, where the tracker is to be told how it ends. */
  readonly ai_task?: string
}

/** What a tracker's webhook says, in words of ours. Everything in it was written elsewhere. */
export interface Notice {
  /** By which the same webhook is known again; part of what is signed. */
  readonly id: string
  /** When the tracker says it happened, in milliseconds since the Unix epoch; part of what is signed. Some say nothing. */
  readonly time: number | undefined
  /** The tracker's own name for it. */
  readonly event: string
  /** An event that no version of ours knows; it is counted and nothing follows. */
  readonly unknown?: boolean
  readonly actor: { readonly id: string; readonly name: string }
  readonly issue?: {
    readonly id: string
    /** What may hold the mark of an incident. */
    readonly text?: string
  }
  readonly change?:
    | { readonly type: 'state'; readonly state: IncidentState }
    | { readonly type: 'comment'; readonly text: string }
    | { readonly type: 'deleted' }
  readonly task?: BotTask
}

/** Headers of the request, names in lower case. */
export type WebhookHeaders = Readonly<Record<string, string | string[] | undefined>>

/** Reads the body of a webhook whose signature is good. @throws WebhookError `WEBHOOK_MALFORMED` */
export type NoticeParser = (body: unknown, raw: Uint8Array, headers: WebhookHeaders) => Notice

/** @throws WebhookError `WEBHOOK_MALFORMED` */
export function parseAs<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new WebhookError('WEBHOOK_MALFORMED', `${issue?.path.join('.') || 'body'}: ${issue?.message ?? ''}`, {
    cause: parsed.error,
  })
}

/** A header that is there once. */
export const headerOf = (headers: WebhookHeaders, name: string): string | undefined => {
  const value = headers[name]
  return typeof value === 'string' ? value : undefined
}
