import { decodeBzip2 } from './bzip2.js'
import { inflate } from './inflate.js'
import { decodeByLibarchive } from './libarchive.js'
import type { Opened } from './opened.js'
import { text } from './text.js'
import type { Decode, Unpacked } from './unpacked.js'
import type { Packed } from './unpack-types.js'
import { decodeXz } from './xz.js'
import { readDirectory, wideSizes, type DirectoryEntry } from './zip-directory.js'
import { decodeZstd } from './zstd.js'

/**
 * Zip archives (PKWARE APPNOTE 6.3.10) as an attacker may write them. Programs disagree on what such an archive holds:
 * some read its central directory, others one local header after another, and a member that only one of them sees is where
 * malware hides. So every member is judged that either way leads to, and how many bytes are packed is taken from the packed
 * stream rather than from a header. Libraries rightly refuse such archives; that is why none reads them here.
 */

const LOCAL = Buffer.from('PK\x03\x04', 'latin1')
const LOCAL_LENGTH = 30
const DESCRIPTOR = Buffer.from('PK\x07\x08', 'latin1')
const DIRECTORY_ENTRY = Buffer.from('PK\x01\x02', 'latin1')
const ENCRYPTED = 0x0001
const HAS_DESCRIPTOR = 0x0008

const STORED = 0
/** Methods of compression (APPNOTE 4.4.5); 20 is what zstd's was at first. */
const DECODERS: ReadonlyMap<number, Decode> = new Map([
  [8, inflate],
  [12, decodeBzip2],
  [14, decodeByLibarchive(14)],
  [20, decodeZstd],
  [93, decodeZstd],
  [95, decodeXz],
  [98, decodeByLibarchive(98)],
])

/** Opens a zip archive, or the one that a content of another kind ends with. */
export async function openZip({ content, kind }: Packed, opened: Opened): Promise<void> {
  const directory = readDirectory(content, opened.budget.limits.max_members)
  if (!directory) opened.say('damaged_archive', undefined, 'no end of the central directory')
  if (directory?.damage !== undefined) opened.say('damaged_archive', undefined, directory.damage)
  const listed = new Map<number, DirectoryEntry>()
  for (const entry of directory?.entries ?? []) {
    if (listed.has(entry.offset)) opened.say('overlapping_members', text(entry.rawName))
    else listed.set(entry.offset, entry)
  }
  // What stands before the first listed member of an appended archive is the other content.
  const first = kind === 'zip' ? 0 : Math.max(0, Math.min(content.length, ...listed.keys()))
  for (let at = content.indexOf(LOCAL, first); at >= 0;) {
    const entry = listed.get(at)
    listed.delete(at)
    const end = await openMember(content, at, entry, opened)
    if (end === undefined) return
    at = content.indexOf(LOCAL, Math.max(end, at + LOCAL.length))
  }
  // What the directory lists and the walk from member to member has passed over.
  for (const [offset, entry] of [...listed].toSorted(([one], [other]) => one - other)) {
    const name = text(entry.rawName)
    if (offset >= 0 && content.subarray(offset, offset + 4).equals(LOCAL)) {
      opened.say('overlapping_members', name)
      if ((await openMember(content, offset, entry, opened)) === undefined) return
    } else opened.say('damaged_archive', name, 'no local header where the directory says')
  }
}

/**
 * Judges the member whose local header is at `at`.
 * @param entry what the directory says of it; undefined for one that it does not list
 * @returns where its packed bytes end; undefined when nothing more is unpacked
 */
async function openMember(
  content: Buffer,
  at: number,
  entry: DirectoryEntry | undefined,
  opened: Opened,
): Promise<number | undefined> {
  if (at + LOCAL_LENGTH > content.length) {
    opened.say('damaged_archive', undefined, 'the last local header is cut short')
    return content.length
  }
  const flags = content.readUInt16LE(at + 6)
  const method = content.readUInt16LE(at + 8)
  const nameEnd = at + LOCAL_LENGTH + content.readUInt16LE(at + 26)
  const start = nameEnd + content.readUInt16LE(at + 28)
  const name = text(content.subarray(at + LOCAL_LENGTH, nameEnd))
  if (start > content.length) {
    opened.say('damaged_archive', name, 'its local header is cut short')
    return content.length
  }
  if (name.endsWith('/') && content.readUInt32LE(at + 18) === 0 && (entry?.compressedSize ?? 0) === 0)
    return start
  const end = start + packedSize(content, { at, flags, nameEnd, start }, entry)
  if (!opened.budget.admit()) return undefined
  // One header that says "encrypted" where the other does not is a lie to keep scanners out.
  if ((flags & ENCRYPTED) !== 0 && ((entry?.flags ?? flags) & ENCRYPTED) !== 0) {
    opened.say('encrypted_member', name)
    return end
  }
  const methods = new Set([method, entry?.method ?? method])
  const [decode] = [...methods].flatMap((known) => DECODERS.get(known) ?? [])
  if (!decode && !methods.has(STORED))
    opened.say('unsupported_method', name, `method ${[...methods].join(' or ')}`)
  // Only a deflate stream tells its own end, which is more to be trusted than a header.
  const packed = decode === inflate || end === start ? content.subarray(start) : content.subarray(start, end)
  const decoded = await decode?.(packed, opened.budget.room(end - start || content.length), opened.budget.end)
  const isDecoded = decoded && (decoded.damage === undefined || methods.size === 1)
  const unpacked = isDecoded ? decoded : storedMember(content, start, end, opened)
  await opened.member(name, unpacked.content, unpacked)
  if (unpacked.damage !== undefined) return start
  return unpacked.isCut ? Math.max(end, start + unpacked.consumed) : start + unpacked.consumed
}

function storedMember(content: Buffer, start: number, end: number, { budget }: Opened): Unpacked {
  const stored = content.subarray(start, end)
  const room = budget.room(Infinity)
  return {
    content: stored.subarray(0, room),
    consumed: stored.length,
    isCut: stored.length > room,
    ...(end > content.length ? { damage: 'its content is cut short' } : {}),
  }
}

/** Bytes that a member is packed in, as far as they can be known: a stream may be written before its size is known. */
function packedSize(
  content: Buffer,
  local: { readonly at: number; readonly flags: number; readonly nameEnd: number; readonly start: number },
  entry: DirectoryEntry | undefined,
): number {
  if (entry) return entry.compressedSize
  const { compressedSize } = wideSizes(content.subarray(local.nameEnd, local.start), {
    uncompressedSize: content.readUInt32LE(local.at + 22),
    compressedSize: content.readUInt32LE(local.at + 18),
    offset: 0,
  })
  if (compressedSize > 0 || (local.flags & HAS_DESCRIPTOR) === 0) return compressedSize
  const ends = [DESCRIPTOR, DIRECTORY_ENTRY]
    .map((mark) => content.indexOf(mark, local.start))
    .filter((end) => end >= 0)
  return Math.min(content.length, ...ends) - local.start
}
