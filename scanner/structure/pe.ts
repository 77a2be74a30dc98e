import type { Sign } from './sign.js'

const SECTION_BYTES = 40
const EXECUTE = 0x20000000
const WRITE = 0x80000000
/** Sections that a loader accepts; more are not looked at. */
const MAX_SECTIONS = 96

/** Signs in a PE file (Microsoft's PE format, "section table"). Every offset is checked before it is followed. */
export function peSigns(content: Buffer): Sign[] {
  const pe = content.readUInt32LE(0x3c)
  if (pe + 24 + 20 > content.length) return []
  const sections = Math.min(content.readUInt16LE(pe + 6), MAX_SECTIONS)
  const table = pe + 24 + content.readUInt16LE(pe + 20)
  const entry = content.readUInt32LE(pe + 24 + 16)
  const signs: Sign[] = []
  let holds = false
  for (let index = 0; index < sections; index++) {
    const at = table + index * SECTION_BYTES
    if (at + SECTION_BYTES > content.length) break
    const memory = content.readUInt32LE(at + 8)
    const address = content.readUInt32LE(at + 12)
    const size = content.readUInt32LE(at + 16)
    const flags = content.readUInt32LE(at + 36)
    if (entry < address || entry >= address + Math.max(memory, size)) continue
    holds = true
    if ((flags & EXECUTE) !== 0 && (flags & WRITE) !== 0)
      signs.push({
        rule: 'pe_writable_entry',
        score: 40,
        detail: 'the section of the entry point is writable and executable',
      })
    if (size === 0)
      signs.push({
        rule: 'pe_empty_entry',
        score: 30,
        detail: 'the section of the entry point is empty in the file',
      })
    if (sections > 1 && index === sections - 1)
      signs.push({
        rule: 'pe_entry_in_last_section',
        score: 30,
        detail: 'the entry point is in the last section',
      })
  }
  if (entry !== 0 && sections > 0 && !holds)
    signs.push({ rule: 'pe_entry_outside_sections', score: 40, detail: 'the entry point is in no section' })
  return signs
}
