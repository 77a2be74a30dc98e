import type { Sign } from './sign.js'

/**
 * Signs in an ELF file (System V ABI, chapter 4 and 5). Kernel modules and object files have no segments and none of these.
 * Every offset comes from the file and is checked before it is followed.
 */
export function elfSigns(content: Buffer): Sign[] {
  const header = readHeader(content)
  if (!header) return []
  const signs: Sign[] = []
  const segments = [...loadedSegments(content, header)]
  const entry = segments.find(
    ({ address, memory }) => header.entry >= address && header.entry < address + memory,
  )
  if (header.type !== ET_REL && header.entry !== 0 && segments.length > 0 && !entry)
    signs.push({
      rule: 'elf_entry_outside_segments',
      score: 40,
      detail: 'the entry point is in no loaded segment',
    })
  if (entry && (entry.flags & (PF_W | PF_X)) === (PF_W | PF_X))
    signs.push({
      rule: 'elf_writable_entry',
      score: 40,
      detail: 'the segment of the entry point is writable and executable',
    })
  if (segments.some(({ offset, size }) => offset + size > content.length))
    signs.push({
      rule: 'elf_truncated_segment',
      score: 20,
      detail: 'a segment reaches behind the end of the file',
    })
  if (header.type !== ET_REL && segments.length > 0 && header.sections === 0)
    signs.push({ rule: 'elf_no_sections', score: 30, detail: 'there is no section table at all' })
  return signs
}

const ET_REL = 1
const PT_LOAD = 1
const PF_X = 1
const PF_W = 2

interface Header {
  readonly is64: boolean
  readonly little: boolean
  readonly type: number
  readonly entry: number
  readonly segments: { readonly offset: number; readonly size: number; readonly count: number }
  readonly sections: number
}

function readHeader(content: Buffer): Header | undefined {
  const is64 = content[4] === 2
  const little = content[5] === 1
  if (content.length < (is64 ? 64 : 52)) return undefined
  const u16 = (at: number): number => (little ? content.readUInt16LE(at) : content.readUInt16BE(at))
  return {
    is64,
    little,
    type: u16(16),
    entry: address(content, 24, is64, little),
    segments: {
      offset: address(content, is64 ? 32 : 28, is64, little),
      size: u16(is64 ? 54 : 42),
      count: u16(is64 ? 56 : 44),
    },
    sections: u16(is64 ? 60 : 48),
  }
}

/** An address or offset; what is beyond 2^53 is no file's and stays large. */
function address(content: Buffer, at: number, is64: boolean, little: boolean): number {
  if (!is64) return little ? content.readUInt32LE(at) : content.readUInt32BE(at)
  return Number(little ? content.readBigUInt64LE(at) : content.readBigUInt64BE(at))
}

function* loadedSegments(content: Buffer, { is64, little, segments }: Header) {
  const least = is64 ? 56 : 32
  if (segments.size < least) return
  for (let index = 0; index < segments.count; index++) {
    const at = segments.offset + index * segments.size
    if (at + least > content.length) return
    const u32 = (offset: number): number =>
      little ? content.readUInt32LE(at + offset) : content.readUInt32BE(at + offset)
    const field = (of64: number, of32: number): number =>
      address(content, at + (is64 ? of64 : of32), is64, little)
    if (u32(0) !== PT_LOAD) continue
    yield {
      flags: u32(is64 ? 4 : 24),
      offset: field(8, 4),
      address: field(16, 8),
      size: field(32, 16),
      memory: field(40, 20),
    }
  }
}
