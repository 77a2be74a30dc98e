import type { FileKind } from '../identify.js'
import { Budget } from './budget.js'
import { decodeBzip2 } from './bzip2.js'
import { openCompressed } from './compressed.js'
import { openEmail } from './email.js'
import { openGzip } from './gzip.js'
import { openByLibarchive } from './libarchive.js'
import type { ArchiveLimits } from './limits.js'
import { decodeLzma } from './lzma.js'
import { Opened } from './opened.js'
import { openTar } from './tar.js'
import type { Packed, Unpack, Unpacker } from './unpack-types.js'
import { decodeXz } from './xz.js'
import { readDirectory } from './zip-directory.js'
import { openZip } from './zip.js'
import { decodeZstd } from './zstd.js'

/** @returns where the archive ends in its content, as far as that can be known */
type Open = (packed: Packed, opened: Opened) => Promise<number>

const FORMATS: Readonly<Partial<Record<FileKind, Open>>> = {
  gzip: openGzip,
  bzip2: openCompressed(decodeBzip2),
  xz: openCompressed(decodeXz),
  zstd: openCompressed(decodeZstd),
  lzma: openCompressed(decodeLzma),
  '7z': openByLibarchive,
  rar: openByLibarchive,
  cab: openByLibarchive,
  iso: openByLibarchive,
  cpio: openByLibarchive,
  ar: openByLibarchive,
  tar: openTar,
  email: openEmail,
}

/** Unpacks every archive format that we read, within limits that hold over all levels of a file. */
export class ArchiveUnpacker implements Unpacker {
  constructor(readonly limits: ArchiveLimits) {}

  opens(content: Buffer, kind: FileKind): boolean {
    return kind === 'zip' || FORMATS[kind] !== undefined || hasZip(content)
  }

  start(size: number): Unpack {
    const budget = new Budget(this.limits, size)
    return async (packed, onMember) => {
      const opened = new Opened(budget, onMember)
      if (packed.depth >= this.limits.max_depth) opened.say('max_depth')
      else {
        const end = (await FORMATS[packed.kind]?.(packed, opened)) ?? 0
        if (packed.kind === 'zip') await openZip(packed, opened)
        else if (hasZip(packed.content.subarray(end))) await openZip(packed, opened)
      }
      const limit = budget.tell()
      if (limit !== undefined) opened.say(limit)
      return opened.reasons
    }
  }
}

/** A zip archive is read from its end and may follow anything: a program, a picture, another archive. */
const hasZip = (content: Buffer): boolean => (readDirectory(content, 1)?.entries.length ?? 0) > 0
