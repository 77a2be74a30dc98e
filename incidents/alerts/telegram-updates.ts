import type { Logger } from 'pino'
import { z } from 'zod'
import { messageOf } from '../../runtime/errors.js'
import { AlertError } from './errors.js'
import type { TelegramApi } from './telegram-api.js'

/** Telegram holds a request so long when there is nothing to tell. */
const POLL_SECONDS = 25
/** Pause after a failure, doubling. */
const FIRST_PAUSE_MS = 1000
const LONGEST_PAUSE_MS = 60_000
const MAX_UPDATES = 100

const person = z.looseObject({ id: z.int(), is_bot: z.boolean() })
const message = z.looseObject({ message_id: z.int(), chat: z.looseObject({ id: z.int() }) })

const updateSchema = z.looseObject({
  update_id: z.int(),
  callback_query: z
    .looseObject({
      id: z.string(),
      from: person,
      message: message.optional(),
      data: z.string().optional(),
    })
    .optional(),
  message: message.extend({ from: person.optional(), text: z.string().optional() }).optional(),
})

/** Somebody pressed a button or wrote to the bot; who and where is Telegram's word. */
export interface TelegramInput {
  readonly type: 'button' | 'text'
  readonly person: number
  readonly chat: string
  readonly message: number
  /** What the button carries, or what was written: untrusted. */
  readonly data: string
  /** Of the press, to answer it. */
  readonly press?: string
}

export interface TelegramUpdatesDeps {
  readonly api: TelegramApi
  readonly log: Logger
  /** The next update that is wanted; durable, so that a restart asks for none again. */
  readonly position: { get(): number; set(next: number): Promise<void> }
  /** Told of each input of a person, one after the other. It may be told twice of the last before a crash. */
  readonly take: (input: TelegramInput, signal: AbortSignal) => Promise<void>
}

/** Asks Telegram what people did with the bot, by long polling: nothing has to reach us from outside. */
export class TelegramUpdates {
  readonly #deps: TelegramUpdatesDeps
  readonly #ending = new AbortController()
  #loop: Promise<void> | undefined

  constructor(deps: TelegramUpdatesDeps) {
    this.#deps = deps
  }

  start(): void {
    this.#loop ??= this.#run()
  }

  async stop(): Promise<void> {
    this.#ending.abort()
    await this.#loop
  }

  async #run(): Promise<void> {
    const { log } = this.#deps
    const { signal } = this.#ending
    let failures = 0
    while (!signal.aborted) {
      try {
        await this.#poll(signal)
        failures = 0
      } catch (error) {
        if (signal.aborted) return
        const asked = error instanceof AlertError ? error.retryAfterMs : undefined
        const pause = asked ?? Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures++, 10))
        log.warn({ reason: messageOf(error), pause }, 'Telegram cannot be asked what people did')
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, pause)
          signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true })
        })
      }
    }
  }

  async #poll(signal: AbortSignal): Promise<void> {
    const { api, position, take, log } = this.#deps
    const parameters = {
      offset: position.get(),
      limit: MAX_UPDATES,
      timeout: POLL_SECONDS,
      allowed_updates: ['callback_query', 'message'],
    }
    const result = await api.call('getUpdates', parameters, signal, (POLL_SECONDS + 10) * 1000)
    for (const { id, input } of readUpdates(result)) {
      if (input)
        await take(input, signal).catch((error: unknown) => {
          log.warn({ reason: messageOf(error) }, 'what somebody did in Telegram could not be taken in')
        })
      await position.set(id + 1)
    }
  }
}

/**
 * Reads the result of `getUpdates`. What cannot be understood is passed over, so that it stops nothing behind it.
 *
 * @returns the number of each update, and what somebody did
 * @throws AlertError `ALERT_REJECTED` for what has no number and would come again for ever
 */
export function* readUpdates(
  result: unknown,
): Generator<{ readonly id: number; readonly input: TelegramInput | undefined }> {
  for (const raw of understand(z.array(z.unknown()), result)) {
    const update = updateSchema.safeParse(raw).data
    const id = update?.update_id ?? understand(z.looseObject({ update_id: z.int() }), raw).update_id
    yield { id, input: update && inputOf(update) }
  }
}

function understand<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new AlertError('ALERT_REJECTED', 'Telegram answered with something that is no list of updates', {
    cause: parsed.error,
  })
}

function inputOf({
  callback_query: press,
  message: written,
}: z.output<typeof updateSchema>): TelegramInput | undefined {
  if (press?.message && !press.from.is_bot)
    return {
      type: 'button',
      person: press.from.id,
      chat: String(press.message.chat.id),
      message: press.message.message_id,
      data: press.data ?? '',
      press: press.id,
    }
  // A message in the name of a channel or a group has no person.
  if (written?.from && !written.from.is_bot)
    return {
      type: 'text',
      person: written.from.id,
      chat: String(written.chat.id),
      message: written.message_id,
      data: written.text ?? '',
    }
  return undefined
}
