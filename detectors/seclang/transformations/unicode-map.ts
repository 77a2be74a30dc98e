/**
 * Reads a unicode mapping file (`SecUnicodeMapFile FILE CODEPAGE`): lines that start with a code page number, followed by a line of `HHHH:HH` pairs, code
 * point to byte. Returns undefined when the file has no such code page.
 */
export function parseUnicodeMap(text: string, codePage: number): ReadonlyMap<number, number> | undefined {
  let current = -1
  let found: Map<number, number> | undefined
  for (const line of text.split('\n')) {
    const trimmed = line.trim()
    const heading = /^(\d{3,6})(?:\s|$)/.exec(trimmed)
    if (heading !== null) current = Number(heading[1])
    if (current !== codePage) continue
    for (const word of trimmed.split(/\s+/)) {
      const pair = /^([0-9a-fA-F]{4}):([0-9a-fA-F]{2})$/.exec(word)
      if (pair === null) continue
      found ??= new Map()
      found.set(parseInt(pair[1] ?? '', 16), parseInt(pair[2] ?? '', 16))
    }
  }
  return found
}
