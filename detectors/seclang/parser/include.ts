import type { RuleFiles } from '../../ports.js'
import type { DirectiveNode } from '../ast.js'
import { SecLangError } from '../errors.js'
import type { SourcePosition } from '../operator.js'
import { type Warn, parseDirectives } from './directives.js'

/** Includes inside includes; a deeper one is surely a mistake. */
export const MAX_INCLUDE_DEPTH = 16
/** Most files that one source may pull in. */
export const MAX_INCLUDED_FILES = 2000

interface IncludeRun {
  readonly files: RuleFiles
  readonly warn: Warn
  count: number
}

/** Parses a file and all that it includes, in order. */
export function* parseFile(path: string, files: RuleFiles, warn: Warn): Generator<DirectiveNode> {
  yield* fromFile(path, { files, warn, count: 0 }, [], { file: path, line: 1 })
}

/** Parses rule text whose relative includes are looked up beside `file`. */
export function* parseText(
  text: string,
  file: string,
  files: RuleFiles,
  warn: Warn,
): Generator<DirectiveNode> {
  yield* follow(parseDirectives(text, file, warn), { files, warn, count: 0 }, [file])
}

function* fromFile(
  path: string,
  run: IncludeRun,
  stack: readonly string[],
  from: SourcePosition,
): Generator<DirectiveNode> {
  if (stack.includes(path)) {
    throw new SecLangError(
      'SECLANG_INCLUDE',
      `${path} includes itself (${[...stack, path].join(' > ')})`,
      from,
    )
  }
  if (stack.length >= MAX_INCLUDE_DEPTH) {
    throw new SecLangError('SECLANG_INCLUDE', `includes nest deeper than ${MAX_INCLUDE_DEPTH}`, from)
  }
  if (++run.count > MAX_INCLUDED_FILES) {
    throw new SecLangError('SECLANG_INCLUDE', `more than ${MAX_INCLUDED_FILES} files are included`, from)
  }
  let text
  try {
    text = run.files.read(path)
  } catch (cause) {
    throw new SecLangError('SECLANG_INCLUDE', `cannot read ${path}`, from, { cause })
  }
  yield* follow(parseDirectives(text, path, run.warn), run, [...stack, path])
}

function* follow(
  nodes: Iterable<DirectiveNode>,
  run: IncludeRun,
  stack: readonly string[],
): Generator<DirectiveNode> {
  for (const node of nodes) {
    const optional = node.kind === 'setting' && node.name === 'includeoptional'
    if (node.kind !== 'setting' || (node.name !== 'include' && !optional)) {
      yield node
      continue
    }
    const [pattern, ...rest] = node.arguments
    if (pattern === undefined || rest.length > 0) {
      throw new SecLangError('SECLANG_SYNTAX', `${node.written} takes one argument`, node.position)
    }
    const paths = run.files.expand(resolveBeside(pattern, node.position.file))
    if (paths.length === 0 && !optional) {
      throw new SecLangError('SECLANG_INCLUDE', `no file matches ${pattern}`, node.position)
    }
    for (const path of paths) yield* fromFile(path, run, stack, node.position)
  }
}

function resolveBeside(pattern: string, file: string): string {
  if (pattern.startsWith('/')) return pattern
  return directoryOf(file) + pattern
}

/** Folder of a path with its last slash; empty for a bare name. */
export function directoryOf(file: string): string {
  return file.slice(0, file.lastIndexOf('/') + 1)
}
