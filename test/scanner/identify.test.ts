import { execPath } from 'node:process'
import { closeSync, openSync, readSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'
import { identify } from '../../scanner/identify.js'

const peFile = (at: number): Buffer => {
  const content = Buffer.alloc(0x200)
  content.write('MZ')
  content.writeUInt32LE(at, 0x3c)
  if (at + 4 <= content.length) content.write('PE\0\0', at, 'latin1')
  return content
}

const headOf = (path: string): Buffer => {
  const head = Buffer.alloc(4096)
  const descriptor = openSync(path, 'r')
  readSync(descriptor, head)
  closeSync(descriptor)
  return head
}

t.test('each kind is known by its content', async (t) => {
  const tar = Buffer.alloc(512)
  tar.write('ustar', 257)
  const oldTar = Buffer.alloc(512)
  oldTar.write('name')
  oldTar.write('001241\0 ', 148)
  const kinds: [string, Buffer][] = [
    ['empty', Buffer.alloc(0)],
    ['elf', headOf(execPath)],
    ['pe', peFile(0x80)],
    ['data', peFile(0x1000)],
    ['data', peFile(0xffffffff)],
    ['macho', Buffer.from('cffaedfe07000001', 'hex')],
    ['pdf', Buffer.from('%PDF-1.7\n')],
    ['pdf', Buffer.concat([Buffer.alloc(1000, 10), Buffer.from('%PDF-1.7\n')])],
    ['ole', Buffer.from('d0cf11e0a1b11ae1', 'hex')],
    ['zip', Buffer.from('PK\x03\x04rest')],
    ['zip', Buffer.from('PK\x05\x06')],
    ['text', Buffer.from('PK is two letters')],
    ['gzip', gzipSync('x')],
    ['bzip2', Buffer.from('BZh91AY&SY')],
    ['xz', Buffer.from('fd377a585a000004', 'hex')],
    ['zstd', Buffer.from('28b52ffd2000', 'hex')],
    ['7z', Buffer.from('377abcaf271c0004', 'hex')],
    ['rar', Buffer.from('Rar!\x1a\x07\x01\0', 'latin1')],
    ['tar', tar],
    ['tar', oldTar],
    ['script', Buffer.from('#!/bin/sh\n')],
    ['php', Buffer.from('<html><?PHP echo 1 ?>')],
    ['text', Buffer.from('words')],
    ['text', Buffer.from('M')],
  ]
  for (const [kind, content] of kinds) t.equal(identify(content), kind, kind)
})

t.test('any bytes have a kind', async () => {
  const starts = ['', 'MZ', '\x7fELF', 'PK\x03\x04', '\xfe\xed', '7z', 'Rar!', '#!'].map((text) =>
    Buffer.from(text, 'latin1'),
  )
  fc.assert(
    fc.property(fc.constantFrom(...starts), fc.uint8Array({ maxLength: 300 }), (start, rest) => {
      identify(Buffer.concat([start, rest]))
    }),
  )
})
