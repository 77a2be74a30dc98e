import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { urlDecode } from '../../../detectors/seclang/transformations/url-decode.js'

/** Folder of the injection corpora, or undefined when the test data is not there. */
export function corpusFolder(): string | undefined {
  const data = process.env['PORTCULLIS_TEST_DATA']
  return data === undefined ? undefined : join(data, 'corpora/libinjection')
}

/** Files of a corpus by the start of their name. */
export function corpusFiles(folder: string, start: string): readonly string[] {
  return readdirSync(folder).filter((file) => file.startsWith(start))
}

/** The samples of one file: its lines without comments, URL-decoded as a query parameter would be. */
export function corpusLines(folder: string, file: string): readonly string[] {
  return readFileSync(join(folder, file), 'latin1')
    .split('\n')
    .map((line) => line.replace(/\r$/, ''))
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map(urlDecode)
}
