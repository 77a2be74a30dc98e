import { isEmail } from './archive/email.js'
import { isIso } from './archive/iso.js'
import { isLzma } from './archive/lzma.js'
import { isTarHeader } from './archive/tar-header.js'

/** What a content is, as far as the pipeline treats kinds differently. */
export type FileKind =
  | 'empty'
  | 'elf'
  | 'pe'
  | 'macho'
  | 'pdf'
  | 'ole'
  | 'zip'
  | 'gzip'
  | 'bzip2'
  | 'xz'
  | 'zstd'
  | '7z'
  | 'rar'
  | 'tar'
  | 'lzma'
  | 'cab'
  | 'iso'
  | 'cpio'
  | 'ar'
  | 'email'
  | 'php'
  | 'script'
  | 'text'
  | 'data'

const startsWith = (content: Buffer, text: string, at = 0): boolean =>
  content.length >= at + text.length && content.toString('latin1', at, at + text.length) === text

/** Bytes in which a PDF header may stand (ISO 32000-1, annex H.3.4.1) and in which text is told from data. */
const HEAD = 1024

/**
 * Identifies a content by its first bytes; names and extensions do not count. A kind only chooses which engines look
 * closer: YARA and the hash database judge every content.
 */
export function identify(content: Buffer): FileKind {
  if (content.length === 0) return 'empty'
  return byFirstByte(content) ?? byHead(content)
}

function byFirstByte(content: Buffer): FileKind | undefined {
  switch (content[0]) {
    case 0x7f:
      return startsWith(content, '\x7fELF') ? 'elf' : undefined
    case 0x4d:
      if (startsWith(content, 'MSCF\0\0\0\0')) return 'cab'
      return isPe(content) ? 'pe' : undefined
    case 0x50:
      // A local file header, an empty archive's end record, or the marker of a split archive.
      return ['PK\x03\x04', 'PK\x05\x06', 'PK\x07\x08'].includes(content.toString('latin1', 0, 4))
        ? 'zip'
        : undefined
    case 0x1f:
      return content[1] === 0x8b ? 'gzip' : undefined
    case 0x42:
      return /^BZh[1-9]/.test(content.toString('latin1', 0, 4)) ? 'bzip2' : undefined
    case 0xfd:
      return startsWith(content, '\xfd7zXZ\0') ? 'xz' : undefined
    case 0x28:
      return startsWith(content, '\x28\xb5\x2f\xfd') ? 'zstd' : undefined
    case 0x37:
      return startsWith(content, '7z\xbc\xaf\x27\x1c') ? '7z' : undefined
    case 0x52:
      return startsWith(content, 'Rar!\x1a\x07') ? 'rar' : undefined
    case 0xd0:
      return startsWith(content, '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1') ? 'ole' : undefined
    case 0xfe:
    case 0xce:
    case 0xcf:
      return isMachO(content) ? 'macho' : undefined
    case 0x5d:
      return isLzma(content) ? 'lzma' : undefined
    case 0x30:
      return /^07070[127]/.test(content.toString('latin1', 0, 6)) ? 'cpio' : undefined
    case 0xc7:
      return content[1] === 0x71 ? 'cpio' : undefined
    case 0x21:
      return startsWith(content, '!<arch>\n') ? 'ar' : undefined
    case 0x23:
      return content[1] === 0x21 ? 'script' : undefined
  }
  return undefined
}

function byHead(content: Buffer): FileKind {
  // The oldest archives have no magic but a checksum.
  if (startsWith(content, 'ustar', 257) || isTarHeader(content)) return 'tar'
  if (isIso(content)) return 'iso'
  const head = content.toString('latin1', 0, HEAD)
  if (head.includes('%PDF-')) return 'pdf'
  // Before it counts as binary: a part of a mail or of a form may be sent as it is.
  if (isEmail(content, head)) return 'email'
  if (head.includes('\0')) return 'data'
  return /<\?(?:php|=)/i.test(head) ? 'php' : 'text'
}

/** A DOS header whose offset at 0x3c leads to `PE\0\0`. */
function isPe(content: Buffer): boolean {
  if (content[1] !== 0x5a || content.length < 0x40) return false
  return startsWith(content, 'PE\0\0', content.readUInt32LE(0x3c))
}

function isMachO(content: Buffer): boolean {
  if (content.length < 4) return false
  const magic = content.readUInt32BE(0)
  return magic === 0xfeedface || magic === 0xfeedfacf || magic === 0xcefaedfe || magic === 0xcffaedfe
}
