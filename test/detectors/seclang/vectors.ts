import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** One case of the shared SecLang vectors. */
export interface Vector {
  readonly name: string
  readonly input: string
  readonly param?: string
  readonly output?: string
  readonly ret: number
  readonly re_groups?: readonly string[]
}

/** Folder of the vectors, or undefined when the test data is not there. */
export function vectorFolder(kind: 'operators' | 'transformations'): string | undefined {
  const data = process.env['PORTCULLIS_TEST_DATA']
  return data === undefined ? undefined : join(data, 'vectors/secrules', kind)
}

/** The vector files of a folder with their cases. */
export function vectorFiles(
  folder: string,
): readonly { readonly file: string; readonly cases: readonly Vector[] }[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => ({ file, cases: JSON.parse(readFileSync(join(folder, file), 'utf8')) as Vector[] }))
}

/**
 * The vectors are JSON text that means UTF-8 bytes; `\xHH` and `\u00HH` spelt out in it are bytes too. Letters from `g` on end the number as in C; where none
 * is left the number before it counts again, which a case that is the same on both sides relies on.
 */
export function vectorBytes(text: string): string {
  let last = 0
  const byte = (_: string, digits: string): string => {
    const value = parseInt(digits, 16)
    if (!Number.isNaN(value)) last = value
    return String.fromCharCode(last & 255)
  }
  return Buffer.from(text, 'utf8')
    .toString('latin1')
    .replace(/\\x([a-z0-9A-Z]{2})/g, byte)
    .replace(/\\u([a-z0-9A-Z]{4})/g, byte)
}
