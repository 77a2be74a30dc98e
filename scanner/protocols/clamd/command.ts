import type { ByteReader } from '../byte-reader.js'

/** A command as it was sent (clamd(8), COMMANDS). */
export interface Command {
  readonly name: string
  /** What stands after the first blank, as bytes: a path need not be UTF-8. Absent without a blank. */
  readonly argument?: Buffer
  /** How its answers end: NUL after `z`, a line end otherwise. */
  readonly end: '\0' | '\n'
}

/** Bytes of a command: a path has at most 4096. */
const MAX_COMMAND = 8192
const NUL = 0x00
const LINE_END = 0x0a
const BLANK = 0x20

/**
 * Reads the next command: `zNAME…\0`, `nNAME…\n`, or the old form without a prefix, which ends with a line or with what
 * came at once.
 * @param waitMs until it begins, `commandMs` until it is whole
 * @returns undefined when the client has sent all
 * @throws ProtocolError as {@link ByteReader.until}
 */
export async function readCommand(
  reader: ByteReader,
  waitMs: number,
  commandMs: number,
): Promise<Command | undefined> {
  if (!(await reader.wait(waitMs))) return undefined
  if (reader.first === 0x7a) return parse((await reader.until(NUL, MAX_COMMAND, commandMs)).subarray(1), '\0')
  if (reader.first === 0x6e)
    return parse((await reader.until(LINE_END, MAX_COMMAND, commandMs)).subarray(1), '\n')
  return parse(reader.takeHeld(LINE_END), '\n')
}

function parse(line: Buffer, end: Command['end']): Command {
  const text = end === '\n' && line.at(-1) === 0x0d ? line.subarray(0, -1) : line
  const blank = text.indexOf(BLANK)
  return blank < 0
    ? { name: text.toString('latin1'), end }
    : { name: text.toString('latin1', 0, blank), argument: text.subarray(blank + 1), end }
}
