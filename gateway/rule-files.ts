import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join, resolve, sep } from 'node:path'

import type { RuleFiles } from '../detectors/ports.js'
import { messageOf } from '../runtime/errors.js'
import { GatewayError } from './errors.js'

const MAX_FILE_BYTES = 64 * 1024 * 1024

const hasWildcard = (segment: string): boolean => /[*?[]/.test(segment)

/** One segment of a shell pattern: `*`, `?` and `[…]`; a leading dot has to be written. */
const segmentMatcher = (segment: string): ((name: string) => boolean) => {
  const source = segment
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replace(/\[!/g, '[^')
    .replace(/\*+/g, '[^/]*')
    .replace(/\?/g, '[^/]')
  let pattern: RegExp
  try {
    pattern = new RegExp(`^${source}$`)
  } catch (error) {
    throw new GatewayError('GATEWAY_RULE_FILE', `${segment} is not a file pattern`, { cause: error })
  }
  return (name) => (!name.startsWith('.') || segment.startsWith('.')) && pattern.test(name)
}

const isFolder = (path: string): boolean => {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}

/** Names in a folder, sorted by their bytes; none when it cannot be read. */
const namesIn = (folder: string): readonly string[] => {
  try {
    return readdirSync(folder).sort()
  } catch {
    return []
  }
}

/** Rule and data files from the file system, read while rules are loaded. */
export const nodeRuleFiles: RuleFiles = {
  read(path) {
    try {
      const { size } = statSync(path)
      if (size > MAX_FILE_BYTES) throw new Error(`it has ${size} bytes, more than ${MAX_FILE_BYTES}`)
      return readFileSync(path, 'latin1')
    } catch (error) {
      throw new GatewayError('GATEWAY_RULE_FILE', `cannot read ${path}: ${messageOf(error)}`, {
        cause: error,
      })
    }
  },

  expand(pattern) {
    const absolute = resolve(pattern)
    const segments = absolute.split(sep).slice(1)
    if (!segments.some(hasWildcard)) return [absolute]
    let paths: readonly string[] = [sep]
    for (const [index, segment] of segments.entries()) {
      const last = index === segments.length - 1
      if (!hasWildcard(segment)) paths = paths.map((path) => join(path, segment))
      else {
        const matches = segmentMatcher(segment)
        paths = paths.flatMap((path) =>
          namesIn(path)
            .filter(matches)
            .map((name) => join(path, name)),
        )
      }
      if (!last) paths = paths.filter(isFolder)
    }
    return paths.filter((path) => !isFolder(path))
  },
}
