import { readFileSync } from 'node:fs'
import { ScanError } from '../errors.js'

/** Known-bad files by SHA-256. */
export class HashList {
  readonly #names = new Map<string, string>()

  get size(): number {
    return this.#names.size
  }

  /**
   * Reads a list: one lower- or upper-case SHA-256 a line, then optionally a name; `#` starts a comment.
   * @throws ScanError `SCAN_HASH_LIST` naming file, line and value
   */
  load(file: string): this {
    let text: string
    try {
      text = readFileSync(file, 'utf8')
    } catch (cause) {
      throw new ScanError('SCAN_HASH_LIST', `cannot read the hash list ${file}`, { cause })
    }
    let number = 0
    for (const raw of text.split('\n')) {
      number++
      const comment = raw.indexOf('#')
      const line = (comment < 0 ? raw : raw.slice(0, comment)).trim()
      if (line === '') continue
      const space = line.search(/\s/)
      const digest = (space < 0 ? line : line.slice(0, space)).toLowerCase()
      if (!/^[0-9a-f]{64}$/.test(digest))
        throw new ScanError(
          'SCAN_HASH_LIST',
          `${file}:${number}: ${JSON.stringify(digest.slice(0, 80))} is not a SHA-256 in hex (64 digits)`,
        )
      this.#names.set(digest, space < 0 ? 'listed' : line.slice(space).trim())
    }
    return this
  }

  /** The name under which a digest is listed. */
  find(sha256: string): string | undefined {
    return this.#names.get(sha256)
  }
}
