import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

import { parseTestFile, type FtwTest } from '../detectors/ftw/test-file.js'

/** Reads a test file, or all of them below a folder, in order of their names. */
export const readTests = (path: string): FtwTest[] => {
  if (statSync(path).isDirectory())
    return readdirSync(path, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.yaml') || name.endsWith('.yml'))
      .sort()
      .flatMap((name) => readTests(join(path, name)))
  return parseTestFile(readFileSync(path, 'utf8'), join(basename(dirname(path)), basename(path)))
}
