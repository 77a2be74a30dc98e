import { once } from 'node:events'
import type { Socket } from 'node:net'
import { codeOf } from '../../../runtime/errors.js'
import { scanTree } from '../../scan-tree.js'
import { isFound, type FileResult } from '../../verdict.js'
import { ByteReader } from '../byte-reader.js'
import { ProtocolError } from '../errors.js'
import type { ScanService } from '../scan-service.js'
import { readCommand, type Command } from './command.js'
import { allStatusesOf, isPassedOver, statusOf } from './reply.js'

export interface ClamdTimes {
  /** Milliseconds in which a command has to be whole (clamd's CommandReadTimeout). */
  readonly command: number
  /** Milliseconds without a byte, in a session and in a stream (clamd's ReadTimeout). */
  readonly idle: number
}

export const CLAMD_TIMES: ClamdTimes = { command: 30_000, idle: 120_000 }

/** Contents and files of one session that are judged at once; its client waits for an answer before it may send more. */
const MAX_OUTSTANDING = 16
/** After an answer that ends the connection, how long what the client still sends is thrown away. */
const LINGER_MS = 5_000

/** Whoever reaches TCP may have a content of its own judged, and neither look at files nor change anything. */
const TCP_COMMANDS = new Set(['PING', 'VERSION', 'INSTREAM', 'IDSESSION', 'END'])
const SESSION_COMMANDS = new Set([
  'PING',
  'VERSION',
  'VERSIONCOMMANDS',
  'STATS',
  'SCAN',
  'INSTREAM',
  'FILDES',
  'END',
])
const COMMANDS = [...SESSION_COMMANDS, 'CONTSCAN', 'MULTISCAN', 'ALLMATCHSCAN', 'RELOAD', 'IDSESSION']
const TAKES_PATH = new Set(['SCAN', 'CONTSCAN', 'MULTISCAN', 'ALLMATCHSCAN'])

/** Serves one client of clamd's protocol (clamd(8)) until it has its answers. */
export async function serveClamd(
  socket: Socket,
  service: ScanService,
  channel: 'unix' | 'tcp',
  times: ClamdTimes = CLAMD_TIMES,
): Promise<void> {
  const session = new ClamdSession(socket, service, channel, times)
  try {
    await session.run()
  } catch (error) {
    if (!(error instanceof ProtocolError) && !socket.destroyed) throw error
    if (codeOf(error) === 'PROTOCOL_TIMEOUT') await session.send('COMMAND READ TIMED OUT\n')
  } finally {
    await session.finish()
  }
}

class ClamdSession {
  readonly #reader: ByteReader
  readonly #gone = new AbortController()
  readonly #outstanding = new Set<Promise<void>>()
  /** Number of the last command of an IDSESSION; undefined outside of one. */
  #id: number | undefined

  constructor(
    readonly socket: Socket,
    readonly service: ScanService,
    readonly channel: 'unix' | 'tcp',
    readonly times: ClamdTimes,
  ) {
    this.#reader = new ByteReader(socket)
    socket.once('close', () => this.#gone.abort())
  }

  async run(): Promise<void> {
    const { command: commandMs, idle } = this.times
    for (;;) {
      const command = await readCommand(this.#reader, this.#id === undefined ? commandMs : idle, commandMs)
      if (!command) return
      if (!(await this.#serve(command))) return
      while (this.#outstanding.size >= MAX_OUTSTANDING) await Promise.race(this.#outstanding)
    }
  }

  /** Sends what is still owed, then ends the connection without cutting off an answer that the client has not read. */
  async finish(): Promise<void> {
    await Promise.all(this.#outstanding)
    const { socket } = this
    if (socket.destroyed) return
    socket.end()
    await this.#reader.drain(LINGER_MS)
    socket.destroy()
  }

  /** Resolves when the client has room for more, or is gone. */
  async send(text: string | Buffer): Promise<void> {
    if (this.socket.destroyed || this.socket.write(text)) return
    await once(this.socket, 'drain', { signal: this.#gone.signal }).catch(() => undefined)
  }

  /** @returns whether another command may follow */
  async #serve(command: Command): Promise<boolean> {
    const { name, argument, end } = command
    const isSession = this.#id !== undefined
    const prefix = this.#id === undefined ? '' : `${++this.#id}: `
    const answer = (text: string | Buffer): Promise<void> =>
      this.send(Buffer.concat([Buffer.from(prefix), Buffer.from(text), Buffer.from(end)]))
    const isKnown = COMMANDS.includes(name) && TAKES_PATH.has(name) === (argument !== undefined)
    if (isSession && !(isKnown && SESSION_COMMANDS.has(name))) {
      await answer('Command invalid inside IDSESSION. ERROR')
      return false
    }
    if (!isKnown || (name === 'END' && !isSession)) {
      await answer('UNKNOWN COMMAND')
      return false
    }
    if (this.channel === 'tcp' && !TCP_COMMANDS.has(name)) {
      await answer('COMMAND UNAVAILABLE')
      return false
    }
    switch (name) {
      case 'END':
        return false
      case 'IDSESSION':
        this.#id = 0
        return true
      case 'PING':
        await answer('PONG')
        return isSession
      case 'VERSION':
        await answer(this.#version())
        return isSession
      case 'VERSIONCOMMANDS':
        await answer(`${this.#version()}| COMMANDS: ${COMMANDS.join(' ')}`)
        return isSession
      case 'STATS':
        await answer(this.#stats())
        return isSession
      case 'RELOAD':
        await answer('RELOADING')
        await this.service.reload()
        return false
      case 'FILDES':
        // Node reads no descriptors that come with a message; the byte that carries them is thrown away with the rest.
        await answer('FILDES is not supported, send the content with INSTREAM or name a path. ERROR')
        return false
      case 'INSTREAM':
        return (await this.#instream(answer)) && isSession
      default:
        this.#track(this.#scanPath(name, argument ?? Buffer.alloc(0), answer))
        return isSession
    }
  }

  /** Chunks of a length (4 bytes, big-endian) and as many bytes, until one of no length. */
  async #instream(answer: Answer): Promise<boolean> {
    const { service } = this
    const content = this.#chunks()
    let consumed: (error?: unknown) => void = () => undefined
    const received = new Promise<unknown>((resolve) => {
      consumed = resolve
    })
    const whole = async function* (): AsyncGenerator<Buffer> {
      try {
        yield* content
        consumed()
      } catch (error) {
        consumed(error)
        throw error
      }
    }
    const judged = service.pool.judgeContent(whole(), 'stream', { priority: 'demand' }).then(
      async (result) => {
        await report(service, result)
        await answer(`stream: ${statusOf(result)}`)
      },
      async (error: unknown) => {
        // What went wrong with the connection is answered below; this is our own failure to take the content in.
        if (error instanceof ProtocolError) return
        consumed(error)
        service.log.error({ err: error }, 'a stream could not be taken in')
        await answer('stream: cannot be taken in for judging ERROR')
      },
    )
    this.#track(judged)
    const failure = await received
    if (failure === undefined) return true
    if (codeOf(failure) === 'PROTOCOL_TOO_LARGE') await answer('INSTREAM size limit exceeded. ERROR')
    else if (failure instanceof ProtocolError) throw failure
    return false
  }

  async *#chunks(): AsyncGenerator<Buffer> {
    const { maxStreamSize } = this.service
    let left = Math.min(maxStreamSize, this.service.pool.options.maxFileSize)
    for (;;) {
      const length = (await this.#reader.exactly(4, this.times.idle)).readUInt32BE()
      if (length === 0) return
      if (length > left) throw new ProtocolError('PROTOCOL_TOO_LARGE', 'the stream is over the limit')
      left -= length
      yield* this.#reader.pieces(length, this.times.idle)
    }
  }

  /**
   * A path's files: what is found and what fails is told of each, and `OK` of the path when there is nothing of either.
   * SCAN ends at the first finding, and ALLMATCHSCAN tells every rule that it meets.
   */
  async #scanPath(name: string, path: Buffer, answer: Answer): Promise<void> {
    const { pool } = this.service
    const start = path[0] === SLASH ? path : Buffer.concat([Buffer.from('/'), path])
    const stop = new AbortController()
    const signal = AbortSignal.any([stop.signal, this.#gone.signal])
    let told = 0
    await scanTree(pool, [start], { signal, priority: 'demand' }, async (result, at) => {
      if (signal.aborted) return
      const isStart = at.equals(start)
      if (result.verdict === 'clean' || (!isStart && isPassedOver(result))) return
      told++
      if (isFound(result.verdict) && name !== 'CONTSCAN' && name !== 'MULTISCAN') stop.abort()
      await report(this.service, result)
      for (const status of name === 'ALLMATCHSCAN' ? allStatusesOf(result) : [statusOf(result)])
        await answer(named(isStart ? path : at, status))
    })
    if (told === 0 && !this.#gone.signal.aborted) await answer(named(path, 'OK'))
  }

  #track(work: Promise<void>): void {
    const tracked: Promise<void> = work
      .catch((error: unknown) => {
        this.service.log.error({ err: error }, 'a command failed')
        this.socket.destroy()
      })
      .finally(() => this.#outstanding.delete(tracked))
    this.#outstanding.add(tracked)
  }

  /** Clients look for the name and the number of the protocol that they know; ours stands behind it. */
  #version(): string {
    return `ClamAV 1.4.3 (Portcullis ${this.service.version})`
  }

  #stats(): string {
    const { backlog, options } = this.service.pool
    const memory = (process.memoryUsage().rss / 1e6).toFixed(3)
    return (
      `POOLS: 1\n\nSTATE: VALID PRIMARY\nTHREADS: live ${options.jobs}  idle 0 max ${options.jobs} idle-timeout 0\n` +
      `QUEUE: ${backlog} items\n\nMEMSTATS: heap N/A mmap N/A used N/A free N/A releasable N/A pools 1 ` +
      `pools_used ${memory}M pools_total ${memory}M\nEND`
    )
  }
}

type Answer = (text: string | Buffer) => Promise<void>

const SLASH = 0x2f

/** A name as it is, but for the ends of lines: it must not make an answer of its own for another file. */
const named = (path: Buffer, status: string): Buffer =>
  Buffer.concat([
    path.map((byte) => (byte === 0x0a || byte === 0x00 ? 0x3f : byte)),
    Buffer.from(`: ${status}`),
  ])

const report = async (service: ScanService, result: FileResult): Promise<void> => {
  if (!isFound(result.verdict)) return
  await service
    .report(result)
    .catch((error: unknown) => service.log.error({ err: error }, 'a finding could not be recorded'))
}
