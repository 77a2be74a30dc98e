import type { Opened } from './opened.js'
import { BLOCK, isTarHeader, readPax, readTarHeader, terminated } from './tar-header.js'
import { text } from './text.js'
import type { Packed } from './unpack-types.js'

/** Types without content: links, devices, folders, FIFOs. Some writers state a size all the same. */
const HOLLOW = '123456'
/** Bytes that are read of a long name. */
const LONGEST_NAME = 4096

/**
 * Opens a tar archive: v7, ustar, GNU and pax, one or several behind each other. After damage it goes on at the next header,
 * as tar itself does, where libraries give up. Of sparse files the bytes that are there are judged, one behind the other.
 */
export async function openTar({ content }: Packed, opened: Opened): Promise<number> {
  let end = 0
  let isLost = false
  let next: { readonly name?: string; readonly size?: number } = {}
  for (let at = 0; at + BLOCK <= content.length;) {
    if (!isTarHeader(content, at)) {
      const isBlank =
        content.readDoubleLE(at) === 0 && content.subarray(at, at + BLOCK).every((byte) => byte === 0)
      // What follows the blocks of zeros at an archive's end is padding or another content.
      if (isBlank || (end > 0 && isBlankBefore(content, at))) isLost = false
      else if (!isLost) {
        isLost = true
        opened.say('damaged_archive', undefined, `no header at ${at}`)
      }
      at += BLOCK
      continue
    }
    isLost = false
    const header = readTarHeader(content, at)
    let start = at + BLOCK
    for (let goesOn = header.goesOn; goesOn; start += BLOCK) goesOn = content[start + 504] === 1
    const size = sizeOf(content, start, header.type, next.size ?? header.size)
    const stop = Math.min(content.length, start + size)
    const body = content.subarray(start, stop)
    const name = next.name ?? header.name
    if (header.type === 'x' || header.type === 'X') next = readPax(body)
    else if (header.type === 'L') next = { name: text(terminated(body.subarray(0, LONGEST_NAME))) }
    else if (header.type !== 'K' && header.type !== 'g') {
      next = {}
      if (size > 0) {
        if (!opened.budget.admit()) return content.length
        const room = opened.budget.room(Infinity)
        await opened.member(name, body.subarray(0, room), {
          isCut: body.length > room,
          damage: body.length < size ? 'its content is cut short' : undefined,
        })
      }
    }
    end = stop
    at = start + Math.ceil(size / BLOCK) * BLOCK
  }
  return end
}

/** A member without content is believed when the next header follows at once, and its size otherwise. */
const sizeOf = (content: Buffer, start: number, type: string, stated: number): number =>
  HOLLOW.includes(type) && (isTarHeader(content, start) || content[start] === 0 || start >= content.length)
    ? 0
    : stated

const isBlankBefore = (content: Buffer, at: number): boolean =>
  content.subarray(at - BLOCK, at).every((byte) => byte === 0)
