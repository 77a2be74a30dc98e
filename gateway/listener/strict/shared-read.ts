import { Socket } from 'node:net'

/** What sockets are read into, one after the other. */
const MEMORY = Buffer.allocUnsafeSlow(64 * 1024)

type Reader = (length: number) => boolean

/** A socket as `net.connect` makes one with `onread`; node has no such option for those of a server. */
interface ReadsIntoMemory {
  _handle?: { useUserBuffer?: (memory: Uint8Array) => void } | null
  [symbol: symbol]: Uint8Array | Reader | null
}

/** Node's types do not tell of these. */
const inside = (socket: Socket): ReadsIntoMemory => socket as unknown as ReadsIntoMemory

const symbolOf = (name: string): symbol | undefined =>
  Object.getOwnPropertySymbols(new Socket()).find(({ description }) => description === name)

const BUFFER = symbolOf('kBuffer')
const READER = symbolOf('kBufferCb')

/**
 * Has a server's socket read into memory that it shares with all others. Otherwise node takes 64 KiB for each read, gives most of them back, and
 * passes a stream on the way.
 *
 * @param take gets the memory with what was read at its beginning, which is its own only until it returns
 * @returns false where this Node does not let it; then the socket is to be read by its events
 */
export function readShared(socket: Socket, take: (memory: Buffer, length: number) => void): boolean {
  const inner = inside(socket)
  if (BUFFER === undefined || READER === undefined || inner._handle?.useUserBuffer === undefined) return false
  inner[BUFFER] = MEMORY
  inner[READER] = (length) => {
    take(MEMORY, length)
    return true
  }
  inner._handle.useUserBuffer(MEMORY)
  return true
}

/** Makes a stream of a socket again: what comes from here on goes to whoever reads that. */
export function readAsStream(socket: Socket): void {
  const inner = inside(socket)
  if (READER !== undefined && typeof inner[READER] === 'function')
    inner[READER] = (length) => socket.push(Buffer.from(MEMORY.subarray(0, length)))
}
