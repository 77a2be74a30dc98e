import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A client that sends and sees bytes; strings are byte strings. */
export class RawClient {
  readonly socket: Socket
  received = ''
  readonly closed: Promise<void>
  #wake: (() => void)[] = []
  #isClosed = false

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.received += chunk.toString('latin1')
      this.#wakeAll()
    })
    // A reset is one of the ends that a test may want to see.
    socket.on('error', () => undefined)
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#isClosed = true
        this.#wakeAll()
        resolve()
      })
    })
  }

  static async connect(port: number): Promise<RawClient> {
    const socket = connect({ port, host: '127.0.0.1' })
    const client = new RawClient(socket)
    await once(socket, 'connect')
    return client
  }

  /** Wraps a connected socket, e.g. of TLS. */
  static over(socket: Socket): RawClient {
    return new RawClient(socket)
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  send(text: string): this {
    this.socket.write(Buffer.from(text, 'latin1'))
    return this
  }

  /** Waits until what was received satisfies `enough`; rejects when the connection ends before. */
  async until(enough: (received: string) => boolean): Promise<string> {
    while (!enough(this.received)) {
      if (this.#isClosed) throw new Error(`closed after: ${JSON.stringify(this.received.slice(0, 500))}`)
      await new Promise<void>((resolve) => this.#wake.push(resolve))
    }
    return this.received
  }

  /** Waits for text, and takes it and all before it off what was received. */
  async take(text: string): Promise<string> {
    await this.until((received) => received.includes(text))
    const end = this.received.indexOf(text) + text.length
    const taken = this.received.slice(0, end)
    this.received = this.received.slice(end)
    return taken
  }

  /** Takes one response head; names in lower case. */
  async head(): Promise<{ status: number; headers: Map<string, string>; text: string }> {
    const text = await this.take('\r\n\r\n')
    const [first = '', ...lines] = text.trimEnd().split('\r\n')
    const headers = new Map(
      lines.map((line) => [
        line.slice(0, line.indexOf(':')).toLowerCase(),
        line.slice(line.indexOf(':') + 2),
      ]),
    )
    return { status: Number(first.split(' ')[1]), headers, text }
  }

  /** Takes so many bytes. */
  async bytes(count: number): Promise<string> {
    await this.until((received) => received.length >= count)
    const taken = this.received.slice(0, count)
    this.received = this.received.slice(count)
    return taken
  }

  /** Takes a response with Content-Length. */
  async response(): Promise<{ status: number; headers: Map<string, string>; body: string }> {
    const head = await this.head()
    return { ...head, body: await this.bytes(Number(head.headers.get('content-length') ?? 0)) }
  }

  /** Waits for the end of the connection and gives what came. */
  async all(): Promise<string> {
    await this.closed
    return this.received
  }

  destroy(): void {
    this.socket.destroy()
  }

  #wakeAll(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }
}
