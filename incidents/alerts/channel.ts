import type { Announcement } from './announcement.js'

/** One announcement to one recipient: the same at each attempt. */
export interface AlertMessage {
  /** Of the work behind it: a receiver knows a repeat by it. */
  readonly id: string
  /** One of the channel's recipients. */
  readonly recipient: string
  readonly announcement: Announcement
  /** Name of a question that a channel with buttons puts on them; opaque. */
  readonly question?: string
}

/** A place where incidents are announced, whatever it speaks. */
export interface Channel {
  readonly name: string
  /** Each gets a message of its own, so that one who refuses it keeps nobody else from it. */
  readonly recipients: readonly string[]
  /**
   * Delivers; resolves once the other side has taken it. It may come twice after a connection that broke: then with the same
   * id.
   *
   * @throws AlertError
   */
  send(message: AlertMessage, signal: AbortSignal): Promise<void>
  close(): Promise<void>
}
