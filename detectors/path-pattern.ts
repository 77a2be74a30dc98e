import { DetectorError } from './errors.js'
import type { RequestPath } from './request-path.js'

/** Whether a normalised path is meant. */
export type PathPattern = (path: string) => boolean

const MAX_PATTERN = 1024

/**
 * Compiles a path pattern. Without wildcards it names one path exactly. At its end, `/*` means the folder and
 * everything below it, at any depth. Elsewhere `*` stands for any characters of one segment, `?` for one of them and
 * `**` for any characters, slashes too. A match costs at most path length times pattern length, whatever the path.
 *
 * Throws `DETECTOR_PATH_PATTERN`, naming `key`, for a pattern that does not start with a slash, is longer than 1024
 * characters, or could never match a normalised path.
 */
export function compilePathPattern(pattern: string, key: string, fold: boolean): PathPattern {
  const refuse = (why: string): never => {
    throw new DetectorError('DETECTOR_PATH_PATTERN', `${key}: ${JSON.stringify(pattern.slice(0, 80))} ${why}`)
  }
  if (!pattern.startsWith('/')) refuse('does not start with "/"')
  if (pattern.length > MAX_PATTERN) refuse(`is longer than ${MAX_PATTERN} characters`)
  if (/\/\/|\/\.\.?(?:\/|$)|\\/.test(pattern)) {
    refuse('can never match: paths are compared without "//", "/./", "/../" and "\\"')
  }
  // Paths are byte strings, patterns come from a UTF-8 config file.
  const bytes = Buffer.from(pattern, 'utf8').toString('latin1')
  const text = fold ? lower(bytes) : bytes
  const match = compile(text)
  return fold ? (path) => match(lower(path)) : match
}

/** One test for a list of patterns, for paths that have to be kept out: any reading that matches counts. */
export function anyReading(patterns: readonly PathPattern[]): (path: RequestPath) => boolean {
  return (path) => path.readings.some((reading) => patterns.some((matches) => matches(reading)))
}

/** One test for a list of patterns, for paths that earn trust: only a path with a single reading can match. */
export function plainReading(patterns: readonly PathPattern[]): (path: RequestPath) => boolean {
  return (path) => path.plain && patterns.some((matches) => matches(path.normal))
}

function compile(text: string): PathPattern {
  const prefix = text.endsWith('/*') ? text.slice(0, -1) : undefined
  if (prefix !== undefined && !/[*?]/.test(prefix)) {
    const folder = prefix.slice(0, -1)
    return (path) => path.startsWith(prefix) || path === folder
  }
  if (!/[*?]/.test(text)) return (path) => path === text
  if (prefix === undefined) return compileGlob(text)
  const below = compileGlob(`${prefix}**`)
  const folder = compileGlob(prefix.slice(0, -1))
  return (path) => below(path) || folder(path)
}

const ANY = 0
const ANY_IN_SEGMENT = 1
const ONE = 2

/** Runs all positions of the pattern at once, as an automaton, so that no path can make it back-track. */
function compileGlob(text: string): PathPattern {
  const tokens: (number | string)[] = []
  for (let i = 0; i < text.length; i++) {
    const c = text.charAt(i)
    if (c === '*' && text.charAt(i + 1) === '*') {
      tokens.push(ANY)
      while (text.charAt(i + 1) === '*') i++
    } else tokens.push(c === '*' ? ANY_IN_SEGMENT : c === '?' ? ONE : c)
  }
  const states = tokens.length + 1
  const close = (set: Uint8Array): void => {
    for (let s = 0; s < tokens.length; s++) {
      const token = tokens[s]
      if (set[s] === 1 && (token === ANY || token === ANY_IN_SEGMENT)) set[s + 1] = 1
    }
  }
  // Most paths differ before the first wildcard.
  const beginning = text.slice(0, text.search(/[*?]/))
  return (path) => {
    if (!path.startsWith(beginning)) return false
    let now = new Uint8Array(states)
    let next = new Uint8Array(states)
    now[0] = 1
    close(now)
    for (const c of path) {
      next.fill(0)
      let alive = false
      for (let s = 0; s < tokens.length; s++) {
        if (now[s] !== 1) continue
        const token = tokens[s]
        if (token === ANY || (token === ANY_IN_SEGMENT && c !== '/')) next[s] = 1
        else if (token === c || (token === ONE && c !== '/')) next[s + 1] = 1
        else continue
        alive = true
      }
      if (!alive) return false
      close(next)
      ;[now, next] = [next, now]
    }
    return now[states - 1] === 1
  }
}

/** ASCII only: bytes above it are parts of characters and must stay as they are. */
function lower(text: string): string {
  return /[A-Z]/.test(text) ? text.replace(/[A-Z]+/g, (run) => run.toLowerCase()) : text
}
