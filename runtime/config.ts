import type { z } from 'zod'

import { readConfigFile } from './config-file.js'
import { problemsOf, showProblem } from './config-problems.js'
import { environmentOverrides, Origins, referencedVariables } from './config-source.js'
import type { Override } from './config-source.js'
import { isTree, setAt } from './config-tree.js'
import type { ConfigTree } from './config-tree.js'
import { RuntimeError } from './errors.js'

export interface ConfigSources {
  /** A YAML file. */
  readonly file?: string | undefined
  /** Usually `process.env`; only names that begin with `PORTCULLIS_` are looked at. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly flags: readonly Override[]
}

export interface LoadedConfig<T> {
  readonly config: T
  readonly origins: Origins
}

/**
 * The configuration: defaults of the schema, under a YAML file, under the environment, under flags. Objects are merged,
 * lists are replaced.
 *
 * @throws RuntimeError `CONFIG_UNREADABLE`; `CONFIG_INVALID`, whose message has one line for each problem with the key,
 *   the value (secrets hidden), and the file and line, the variable or the flag that it came from
 */
export const loadConfig = <Schema extends z.ZodType>(
  schema: Schema,
  sources: ConfigSources,
): LoadedConfig<z.output<Schema>> => {
  const file = sources.file === undefined ? undefined : readConfigFile(sources.file)
  const named = referencedVariables([file?.tree, ...sources.flags.map((flag) => flag.value)])
  const overrides = [...environmentOverrides(sources.env, named), ...sources.flags]
  const first = check(schema, new Origins(file, overrides))
  if (first.ok) return first.loaded

  // `PORTCULLIS_X__SECRET=12345` is a number for YAML; where a text is wanted, it is one.
  const asText = overrides.map((override) => {
    const wanted = first.issues.some(
      (issue) =>
        issue.code === 'invalid_type' &&
        issue.expected === 'string' &&
        issue.path.length === override.path.length &&
        issue.path.every((key, index) => key === override.path[index]),
    )
    return wanted && override.raw !== undefined && !isTree(override.value) && !Array.isArray(override.value)
      ? { ...override, value: override.raw }
      : override
  })
  const second = check(schema, new Origins(file, asText))
  if (second.ok) return second.loaded
  const problems = problemsOf(second.issues, second.tree, second.origins)
  throw new RuntimeError('CONFIG_INVALID', problems.map(showProblem).join('\n'))
}

type Checked<T> =
  | { readonly ok: true; readonly loaded: LoadedConfig<T> }
  | {
      readonly ok: false
      readonly issues: readonly z.core.$ZodIssue[]
      readonly tree: ConfigTree
      readonly origins: Origins
    }

const check = <Schema extends z.ZodType>(schema: Schema, origins: Origins): Checked<z.output<Schema>> => {
  const tree: ConfigTree = origins.file ? structuredClone(origins.file.tree) : {}
  for (const { path, value } of origins.overrides) setAt(tree, path, value)
  const result = schema.safeParse(tree, { reportInput: false })
  return result.success
    ? { ok: true, loaded: { config: result.data, origins } }
    : { ok: false, issues: result.error.issues, tree, origins }
}
