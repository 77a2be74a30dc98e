import type { z } from 'zod'

import { getAt, showPath } from './config-tree.js'
import type { Origins } from './config-source.js'
import type { ConfigTree, KeyPath } from './config-tree.js'
import { showValue } from './config-redaction.js'

type Issue = z.core.$ZodIssue

/** One thing that is wrong, with the place to mend it. */
export interface ConfigProblem {
  readonly key: string
  /** `file:line`, the variable or the flag. */
  readonly origin: string
  readonly message: string
}

/** What zod found, as problems with their places; one for each unknown key. */
export const problemsOf = (issues: readonly Issue[], tree: ConfigTree, origins: Origins): ConfigProblem[] =>
  issues.flatMap((issue) => flatten(issue)).flatMap((issue) => describe(issue, tree, origins))

export const showProblem = ({ key, origin, message }: ConfigProblem): string =>
  `${origin}: ${key === '' ? '' : `${key}: `}${message}`

const describe = (issue: Issue, tree: ConfigTree, origins: Origins): ConfigProblem[] => {
  const path = keyPath(issue.path)
  if (issue.code === 'unrecognized_keys') {
    const plain = issue.message.startsWith('Unrecognized key')
    return issue.keys.map((key) => ({
      key: showPath([...path, key]),
      origin: origins.nearest([...path, key]),
      message: plain ? 'unknown key' : issue.message,
    }))
  }
  const value = getAt(tree, path)
  const found = value === undefined ? 'it is missing' : `got ${showValue(path, value)}`
  return [
    {
      key: showPath(path),
      origin: origins.nearest(path),
      message: `${lowerFirst(trim(issue.message))}; ${found}`,
    },
  ]
}

/**
 * A union that nothing matched holds the issues of each branch. The branch that got deepest is the one that was meant;
 * when all failed at once, what each expected is listed.
 */
const flatten = (issue: Issue): Issue[] => {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [issue]
  const branches = issue.errors.map((branch) =>
    branch.flatMap((inner) => flatten({ ...inner, path: [...issue.path, ...inner.path] })),
  )
  const depth = (branch: readonly Issue[]): number => Math.max(...branch.map((inner) => inner.path.length))
  const deepest = branches.reduce((best, branch) => (depth(branch) > depth(best) ? branch : best))
  if (depth(deepest) > issue.path.length) return deepest
  const messages = new Set(branches.flat().map((inner) => lowerFirst(trim(inner.message))))
  return [{ ...issue, message: [...messages].join(', or ') }]
}

const keyPath = (path: readonly PropertyKey[]): KeyPath =>
  path.map((key) => (typeof key === 'symbol' ? String(key) : key))

/** zod says `Invalid input: expected number, received string`; what was received follows as a value. */
const trim = (message: string): string =>
  message.replace(/^Invalid input: /, '').replace(/, received [a-zA-Z]+$/, '')

const lowerFirst = (text: string): string =>
  /^[A-Z][a-z]/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text
