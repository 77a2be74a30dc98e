import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Every `@rx` argument of the rule files in a folder. */
export function crsPatterns(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.conf'))
    .flatMap((file) => {
      const text = readFileSync(join(folder, file), 'latin1').replace(/\\\n\s*/g, '')
      return [...text.matchAll(/^\s*SecRule\s.*?"!?@rx\s((?:[^"\\]|\\.)*)"/gm)].map((found) =>
        (found[1] ?? '').replaceAll('\\"', '"'),
      )
    })
}
