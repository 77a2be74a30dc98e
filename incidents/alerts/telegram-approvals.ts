import { randomBytes } from 'node:crypto'
import type { Database } from 'lmdb'
import type { Answer } from '../answers/answer.js'
import type { Core } from '../core.js'
import { IncidentError } from '../errors.js'
import { isOver } from '../incident.js'
import type { AlertConfig } from './config.js'
import type { TelegramApi } from './telegram-api.js'
import type { TelegramInput } from './telegram-updates.js'

/** Takes the word of a person on a question; runs inside a transaction of the store. @throws IncidentError */
export type Decide = (id: string, by: string, approve: boolean, digest: string) => unknown

/** What a pair of buttons stands for: the buttons themselves carry nothing but a random name of it. */
interface Question {
  readonly answer: string
  readonly digest: string
  readonly by: string
  readonly channel: string
  readonly chat: string
  /** Milliseconds since the Unix epoch. */
  readonly until: number
}

type TelegramConfig = Extract<AlertConfig, { type: 'telegram' }>

export interface TelegramApprovalsDeps {
  readonly core: Core
  readonly config: TelegramConfig
  readonly api: TelegramApi
  readonly decide: Decide
}

/** Incidents that `/status` looks at. */
const STATUS_INCIDENTS = 10_000

/** Questions to people in chats of one bot. Who may answer is a person in a chat, never a chat. */
export class TelegramApprovals {
  readonly #deps: TelegramApprovalsDeps
  readonly #questions: Database<Question, string>

  constructor(deps: TelegramApprovalsDeps) {
    this.#deps = deps
    this.#questions = deps.core.store.table('alerts-questions')
  }

  /** Must run inside a transaction of the store. @returns what the buttons carry, at most 64 bytes with its first letter */
  ask(answer: Answer, chat: string): string {
    const { core, config } = this.#deps
    const kept = [...this.#questions.getRange({ limit: 100 })]
    for (const { key, value } of kept) if (value.until <= core.now()) this.#questions.removeSync(key)
    const name = randomBytes(16).toString('hex')
    const { id, digest, by, ask_until = core.now() } = answer
    const question = { answer: id, digest, by, channel: config.name, chat, until: ask_until }
    this.#questions.putSync(name, question)
    return name
  }

  /** Takes in what somebody did. What nobody may do is told to him and to nobody else. */
  async take(input: TelegramInput, signal: AbortSignal): Promise<void> {
    const { api, config } = this.#deps
    if (input.type === 'text') {
      if (!/^\/status(@\w{1,64})?$/.test(input.data.trim()) || !this.#approver(input)) return
      await api.call('sendMessage', { chat_id: input.chat, text: this.#status() }, signal)
      return
    }
    const [, word, name = ''] = /^([yn])([0-9a-f]{32})$/.exec(input.data) ?? []
    const text = await this.#decide(input, name, word === 'y')
    await api.call(
      'answerCallbackQuery',
      { callback_query_id: input.press, text: text.slice(0, 200) },
      signal,
    )
    if (!config.chats.includes(input.chat) || this.#questions.get(name)) return
    const buttons = { chat_id: input.chat, message_id: input.message, reply_markup: { inline_keyboard: [] } }
    await api.call('editMessageReplyMarkup', buttons, signal)
  }

  async #decide(input: TelegramInput, name: string, approve: boolean): Promise<string> {
    const { core, config, decide } = this.#deps
    const by = this.#approver(input)
    if (by === undefined) return 'You may not decide about this.'
    const question = this.#questions.get(name)
    if (question?.channel !== config.name || question.chat !== input.chat) return 'This question is closed.'
    // A person who asked elsewhere must not approve here under another name.
    if (!by.startsWith('person:') && question.by.startsWith('person:'))
      return 'A person asked: only approvers whose name is configured may decide.'
    try {
      await core.change(() => {
        decide(question.answer, by, approve, question.digest)
        this.#questions.removeSync(name)
      })
      return approve ? 'Approved.' : 'Denied.'
    } catch (error) {
      if (!(error instanceof IncidentError)) throw error
      if (error.code !== 'FORBIDDEN') await core.change(() => this.#questions.removeSync(name))
      return error.message
    }
  }

  /** The person who did it, as the record shows him; undefined when he may do nothing here. */
  #approver({ person, chat }: TelegramInput): string | undefined {
    const { chats, approvers } = this.#deps.config
    const found = approvers.find(({ id }) => id === person)
    if (!found || !chats.includes(chat)) return undefined
    return found.name === undefined ? `telegram:${person}` : `person:${found.name}`
  }

  #status(): string {
    const { store } = this.#deps.core
    const counts = new Map<string, number>()
    let seen = 0
    for (const incident of store.list()) {
      if (++seen > STATUS_INCIDENTS) break
      if (!isOver(incident)) counts.set(incident.severity, (counts.get(incident.severity) ?? 0) + 1)
    }
    const parts = [...counts].map(([severity, count]) => `${count} ${severity}`)
    const open = parts.length === 0 ? 'No incident is open.' : `Open incidents: ${parts.join(', ')}.`
    return seen > STATUS_INCIDENTS ? `${open} (Of the latest ${STATUS_INCIDENTS}.)` : open
  }
}
