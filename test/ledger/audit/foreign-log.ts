/**
 * Writes a C2SP tlog-tiles log as somebody else would: by the definitions of RFC 6962 and tlog-tiles, with nothing of ours.
 */
import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

const sha256 = (...parts: readonly Uint8Array[]): Buffer =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest()
const leafOf = (entry: Uint8Array): Buffer => sha256(Buffer.from([0]), entry)

/** RFC 6962 section 2.1, over leaf hashes. */
function mth(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return sha256()
  const [only] = leaves
  if (leaves.length === 1 && only !== undefined) return only
  let split = 1
  while (split * 2 < leaves.length) split *= 2
  return sha256(Buffer.from([1]), mth(leaves.slice(0, split)), mth(leaves.slice(split)))
}

function pathOf(level: number | 'entries', index: number, width: number): string {
  let path = String(index % 1000).padStart(3, '0')
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000))
    path = `x${String(rest % 1000).padStart(3, '0')}/${path}`
  return `tile/${level}/${path}${width === 256 ? '' : `.p/${width}`}`
}

export class ForeignLog {
  readonly origin = 'example.org/foreign'
  readonly vkey: string
  readonly #key: KeyObject
  readonly #id: Buffer

  constructor() {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url')
    const typed = Buffer.concat([Buffer.from([1]), raw])
    this.#key = privateKey
    this.#id = sha256(Buffer.from(`${this.origin}\n`), typed).subarray(0, 4)
    this.vkey = `${this.origin}+${this.#id.toString('hex')}+${typed.toString('base64')}`
  }

  /** A checkpoint over these leaf hashes; `extension` is a line of the log's own. */
  checkpoint(leaves: readonly Buffer[], extension = ''): string {
    const text = `${this.origin}\n${leaves.length}\n${mth(leaves).toString('base64')}\n${extension}`
    const signature = Buffer.concat([this.#id, sign(null, Buffer.from(text), this.#key)])
    return `${text}\n— ${this.origin} ${signature.toString('base64')}\n`
  }

  /** Writes what the log serves at this size; called with growing sizes it leaves partial tiles and checkpoints behind. */
  async write(
    folder: string,
    entries: readonly Uint8Array[],
    options: { hash?: (entry: Uint8Array) => Buffer } = {},
  ): Promise<void> {
    const leaves = entries.map(options.hash ?? leafOf)
    const files = new Map<string, Uint8Array>()
    for (let first = 0; first < entries.length; first += 256) {
      const framed = entries.slice(first, first + 256).flatMap((entry) => {
        const length = Buffer.alloc(2)
        length.writeUInt16BE(entry.length)
        return [length, entry]
      })
      files.set(pathOf('entries', first / 256, framed.length / 2), Buffer.concat(framed))
    }
    for (let level = 0, row = leaves; row.length > 0; level++) {
      const next: Buffer[] = []
      for (let first = 0; first < row.length; first += 256) {
        const tile = row.slice(first, first + 256)
        files.set(pathOf(level, first / 256, tile.length), Buffer.concat(tile))
        if (tile.length === 256) next.push(mth(tile))
      }
      row = next
    }
    files.set(`checkpoint.${entries.length}`, Buffer.from(this.checkpoint(leaves)))
    files.set('checkpoint', Buffer.from(this.checkpoint(leaves)))
    for (const [path, bytes] of files) {
      await mkdir(dirname(join(folder, path)), { recursive: true })
      await writeFile(join(folder, path), bytes)
    }
  }
}

export const entriesOf = (count: number): Buffer[] =>
  Array.from({ length: count }, (_, i) => Buffer.from(`entry ${i} ${'x'.repeat(i % 50)}`))
