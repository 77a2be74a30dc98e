import { parseDocument } from 'yaml'

import { isBelow, isTree } from './config-tree.js'
import type { ConfigFile } from './config-file.js'
import type { KeyPath } from './config-tree.js'
import { messageOf, RuntimeError } from './errors.js'

export const ENVIRONMENT_PREFIX = 'PORTCULLIS_'
/** Variables of the test suites and of the process, not keys of the configuration. */
const NOT_KEYS = /^PORTCULLIS_TEST_/

/** A value that did not come from the file: from a variable of the environment, or from a flag of the command line. */
export interface Override {
  /** As the operator wrote it: `PORTCULLIS_GATEWAY__LISTEN` or `--listen`. */
  readonly origin: string
  readonly path: readonly string[]
  readonly value: unknown
  /** The text before it was read as YAML. */
  readonly raw?: string
}

/**
 * The variables that set keys: `PORTCULLIS_` and the path in upper case, `__` between levels. Values are YAML, so that
 * `true`, `12` and `[a, b]` have their types; a text that YAML reads as something else is taken as it stands where the
 * schema asks for a text.
 *
 * @param except variables that hold something else, see {@link referencedVariables}
 * @throws RuntimeError `CONFIG_INVALID` naming the variable
 */
export const environmentOverrides = (
  env: Readonly<Record<string, string | undefined>>,
  except: ReadonlySet<string> = new Set(),
): Override[] => {
  const overrides: Override[] = []
  for (const [name, raw] of Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (raw === undefined || !name.startsWith(ENVIRONMENT_PREFIX) || NOT_KEYS.test(name) || except.has(name))
      continue
    const path = name.slice(ENVIRONMENT_PREFIX.length).toLowerCase().split('__')
    if (path.some((key) => key === ''))
      throw new RuntimeError('CONFIG_INVALID', `${name}: not a key; write ${ENVIRONMENT_PREFIX}SECTION__KEY`)
    overrides.push({ origin: name, path, value: yamlValue(name, raw), raw })
  }
  // A section as a whole comes before the keys inside it, so that the keys win.
  return overrides.sort((a, b) => a.path.length - b.path.length)
}

const REFERENCE = /^env:([A-Za-z_][A-Za-z0-9_]{0,200})$/

/** Names of the variables that a configuration points at with `env:NAME`: they hold secrets, not keys. */
export const referencedVariables = (value: unknown, found = new Set<string>()): Set<string> => {
  if (typeof value === 'string') {
    const name = REFERENCE.exec(value)?.[1]
    if (name !== undefined) found.add(name)
  } else if (typeof value === 'object' && value !== null)
    for (const member of Object.values(value)) referencedVariables(member, found)
  return found
}

const yamlValue = (name: string, raw: string): unknown => {
  try {
    const document = parseDocument(raw, { prettyErrors: false })
    if (document.errors.length > 0 || document.warnings.length > 0) return raw
    const value: unknown = document.toJS()
    // `key: value` in a variable is a text far more often than it is a mapping; a mapping is written in braces.
    return isTree(value) && !raw.trimStart().startsWith('{') ? raw : value
  } catch (error) {
    throw new RuntimeError('CONFIG_INVALID', `${name}: ${messageOf(error)}`, { cause: error })
  }
}

/** Where values came from, in rising order: file, environment, flags. */
export class Origins {
  constructor(
    readonly file: ConfigFile | undefined,
    readonly overrides: readonly Override[],
  ) {}

  /** The origin of the value at a path, `file:line`, a variable or a flag; undefined for a default. */
  of(path: KeyPath): string | undefined {
    const override = this.override(path)
    if (override) return override.origin
    const line = this.file?.lineOf(path)
    return line === undefined ? undefined : `${this.file?.path}:${line}`
  }

  /** The override that set this key or the section or list it is in; the last one wins. */
  override(path: KeyPath): Override | undefined {
    return this.overrides.findLast((override) => isBelow(path, override.path))
  }

  /** The nearest place an operator can look at for this path: its own origin, or that of what surrounds it. */
  nearest(path: KeyPath): string {
    for (let length = path.length; length > 0; length--) {
      const prefix = path.slice(0, length)
      const origin = this.of(prefix)
      if (origin !== undefined) return origin
      const inside = this.overrides.findLast((override) => isBelow(override.path, prefix))
      if (inside) return inside.origin
    }
    return this.file?.path ?? 'the configuration (no file was given)'
  }
}
