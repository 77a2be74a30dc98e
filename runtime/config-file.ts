import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { isMap, isNode, isPair, isScalar, LineCounter, parseAllDocuments } from 'yaml'
import type { Document } from 'yaml'

import { isTree } from './config-tree.js'
import type { ConfigTree, KeyPath } from './config-tree.js'
import { codeOf, messageOf, RuntimeError } from './errors.js'

/** Far above any configuration by hand; lists of addresses belong in files of their own. */
const MAX_FILE_BYTES = 4 * 1024 * 1024

export interface ConfigFile {
  readonly path: string
  readonly tree: ConfigTree
  /** Line, from 1, of the key at this path; undefined when the file has no such key. */
  lineOf(path: KeyPath): number | undefined
}

/**
 * Reads one YAML document that holds a mapping.
 *
 * @throws RuntimeError `CONFIG_UNREADABLE`, or `CONFIG_INVALID` with file, line and column
 */
export const readConfigFile = (path: string): ConfigFile => {
  const text = readText(path)
  const lines = new LineCounter()
  const fail = (at: number | undefined, message: string): never => {
    const place = at === undefined ? path : `${path}:${lines.linePos(at).line}:${lines.linePos(at).col}`
    throw new RuntimeError('CONFIG_INVALID', `${place}: ${message}`)
  }

  let documents: readonly Document.Parsed[]
  let tree: unknown
  try {
    documents = [...parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, strict: true })]
    for (const { errors, warnings } of documents) {
      const problem = errors[0] ?? warnings[0]
      if (problem) fail(problem.pos[0], problem.message)
    }
    tree = documents[0]?.toJS() ?? {}
  } catch (error) {
    if (error instanceof RuntimeError) throw error
    // Too many aliases, or nesting that exhausts the stack.
    throw new RuntimeError('CONFIG_INVALID', `${path}: ${messageOf(error)}`, { cause: error })
  }
  const [document, second] = documents
  if (second) fail(second.range[0], 'a second YAML document; the configuration is one document')
  if (!isTree(tree))
    fail(document?.contents?.range?.[0], 'the configuration must be a mapping of keys to values')
  return {
    path,
    tree: isTree(tree) ? tree : {},
    lineOf: (keys) => {
      const offset = document && offsetOf(document, keys)
      return offset === undefined ? undefined : lines.linePos(offset).line
    },
  }
}

const readText = (path: string): string => {
  let fd
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const stat = fstatSync(fd)
    if (!stat.isFile())
      throw new RuntimeError('CONFIG_UNREADABLE', `the configuration ${path} is not a regular file`)
    if (stat.size > MAX_FILE_BYTES)
      throw new RuntimeError(
        'CONFIG_UNREADABLE',
        `the configuration ${path} has ${stat.size} bytes, more than ${MAX_FILE_BYTES}`,
      )
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(fd))
  } catch (error) {
    if (error instanceof RuntimeError) throw error
    const reason =
      codeOf(error) === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? 'it is not UTF-8' : messageOf(error)
    throw new RuntimeError('CONFIG_UNREADABLE', `cannot read the configuration ${path}: ${reason}`, {
      cause: error,
    })
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

/** Where a key stands: the key itself inside a mapping, the item inside a list. */
const offsetOf = (document: Document, path: KeyPath): number | undefined => {
  const last = path.at(-1)
  if (last === undefined) return document.contents?.range?.[0]
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true)
  if (isMap(parent)) {
    const pair = parent.items.find(
      (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(last),
    )
    return isScalar(pair?.key) ? pair.key.range?.[0] : undefined
  }
  const node = document.getIn(path, true)
  return isNode(node) ? node.range?.[0] : undefined
}
