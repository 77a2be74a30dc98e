import { closeSync, openSync, readSync } from 'node:fs'
import { messageOf } from '../../runtime/errors.js'
import { ScanError } from '../errors.js'
import type { HashDatabaseBuilder } from './builder.js'
import type { Algorithm, ListKind } from './format.js'

/** Formats of lists of digests. */
export type ListFormat = 'plain' | 'malwarebazaar' | 'clamav' | 'nsrl'

/** A line that was not taken, and why. */
export type OnRefused = (line: number, message: string) => void

/** Bytes of one line; more is no line of any of the formats. */
const MAX_LINE = 64 * 1024
const PIECE = 1024 * 1024

/**
 * Reads a list into a builder.
 * - plain: a digest (MD5, SHA-1 or SHA-256 in hex), then optionally blanks and a name; `#` begins a comment
 * - malwarebazaar: its CSV export, of which the SHA-256 and the signature are taken
 * - clamav: `.hdb`, `.hsb`: digest, size, name, separated by colons; the digest decides, the size is not looked at
 * - nsrl: the CSV of its reference data set (RDS 2), of which the SHA-1 and the file name are taken
 * @returns entries that were taken
 * @throws ScanError `SCAN_HASH_LIST` when it cannot be read
 */
export function readList(
  path: string,
  { kind, format = guessFormat(path) }: { readonly kind: ListKind; readonly format?: ListFormat },
  builder: HashDatabaseBuilder,
  onRefused: OnRefused,
): number {
  const digest = Buffer.alloc(32)
  let taken = 0
  let number = 0
  eachLine(path, (bytes, start, end) => {
    number++
    const entry = parseLine(format, bytes, start, end)
    if (entry === undefined) return
    if (typeof entry === 'string') {
      onRefused(number, entry)
      return
    }
    digest.write(entry.digest, 'hex')
    builder.add(kind, entry.algorithm, digest, 0, entry.name)
    taken++
  })
  return taken
}

interface Entry {
  readonly algorithm: Algorithm
  /** In hex. */
  readonly digest: string
  readonly name: string
}

const guessFormat = (path: string): ListFormat => {
  if (/\.n(?:db|du)$/i.test(path))
    throw new ScanError(
      'SCAN_HASH_LIST',
      `${path} holds no digests but strings of bytes; \`portcullis yara import\` makes rules of them`,
    )
  if (/\.(?:hdb|hsb|hdu|hsu)$/i.test(path)) return 'clamav'
  let format: ListFormat = 'plain'
  let isKnown = false
  eachLine(path, (bytes, start, end) => {
    const line = bytes.toString('latin1', start, Math.min(end, start + 200)).trim()
    if (isKnown || line === '') return !isKnown
    if (line.startsWith('"SHA-1"')) format = 'nsrl'
    else if (/^#.*"sha256_hash"|^"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"/.test(line)) format = 'malwarebazaar'
    else if (line.startsWith('#')) return true
    isKnown = true
    return false
  })
  return format
}

const ALGORITHM_BY_DIGITS: Readonly<Record<number, Algorithm>> = { 32: 'md5', 40: 'sha1', 64: 'sha256' }

const toEntry = (digest: string, name: string): Entry | string => {
  const algorithm = /^[0-9A-Fa-f]*$/.test(digest) ? ALGORITHM_BY_DIGITS[digest.length] : undefined
  return algorithm === undefined
    ? `${JSON.stringify(digest.slice(0, 80))} is not an MD5, SHA-1 or SHA-256 in hex (32, 40 or 64 digits)`
    : { algorithm, digest, name: name === '' ? 'listed' : name }
}

/** @returns undefined for a line that holds no entry, a text for one that is wrong */
function parseLine(
  format: ListFormat,
  bytes: Buffer,
  start: number,
  end: number,
): Entry | string | undefined {
  if (end - start > MAX_LINE) return `longer than ${MAX_LINE} bytes`
  const line = bytes.toString('utf8', start, end).trim()
  if (line === '' || line.startsWith('#')) return undefined
  if (format === 'plain') return parsePlain(line)
  if (format === 'clamav') return parseClamav(line)
  const fields = csvFields(line)
  if (format === 'nsrl') return fields[0] === 'SHA-1' ? undefined : toEntry(fields[0] ?? '', fields[3] ?? '')
  const signature = fields[8] ?? ''
  return toEntry(fields[1] ?? '', signature === 'n/a' ? '' : signature)
}

const csvFields = (line: string): string[] =>
  [...line.matchAll(/"((?:[^"]|"")*)"|[^,\s][^,]*/g)].map(([whole, quoted]) => quoted ?? whole)

function parsePlain(line: string): Entry | string {
  const comment = line.indexOf('#')
  const text = comment < 0 ? line : line.slice(0, comment).trimEnd()
  const blank = text.search(/[\s,;]/)
  if (blank < 0) return toEntry(text, '')
  return toEntry(text.slice(0, blank), text.slice(blank + 1).trim())
}

function parseClamav(line: string): Entry | string {
  const [digest = '', size = '', name = ''] = line.split(':')
  if (!/^(?:\d+|\*)$/.test(size)) return `${JSON.stringify(size.slice(0, 40))} is not a size or *`
  return toEntry(digest, name)
}

/** Calls `visit` with each line; it ends the reading by `false`. */
function eachLine(path: string, visit: (bytes: Buffer, start: number, end: number) => unknown): void {
  let descriptor: number
  try {
    descriptor = openSync(path, 'r')
  } catch (cause) {
    throw new ScanError('SCAN_HASH_LIST', `cannot read the hash list ${path}`, { cause })
  }
  try {
    // What is left of the last piece stands before the next one.
    const buffer = Buffer.allocUnsafe(PIECE + MAX_LINE + 1)
    let kept = 0
    for (;;) {
      const read = readSync(descriptor, buffer, kept, PIECE, null)
      const length = kept + read
      let start = 0
      for (let end = buffer.indexOf(10); end >= 0 && end < length; end = buffer.indexOf(10, start)) {
        if (visit(buffer, start, end) === false) return
        start = end + 1
      }
      if (read === 0) {
        if (start < length) visit(buffer, start, length)
        return
      }
      kept = length - start
      if (kept > MAX_LINE)
        throw new ScanError('SCAN_HASH_LIST', `${path}: a line is longer than ${MAX_LINE} bytes`)
      buffer.copy(buffer, 0, start, length)
    }
  } catch (cause) {
    if (cause instanceof ScanError) throw cause
    throw new ScanError('SCAN_HASH_LIST', `cannot read the hash list ${path}: ${messageOf(cause)}`, { cause })
  } finally {
    closeSync(descriptor)
  }
}
