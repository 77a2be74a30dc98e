import type { DirectiveNode } from '../ast.js'
import { SecLangError } from '../errors.js'
import type { SourcePosition } from '../operator.js'
import { parseActions } from './actions.js'
import { logicalLines } from './lines.js'
import { parseOperator } from './operator.js'
import { parseVariables } from './variables.js'
import { splitWords } from './words.js'

export type Warn = (message: string, position: SourcePosition) => void

/** Parses one rule text into directives, in order. `Include` is a setting here; `include.ts` follows it. */
export function* parseDirectives(text: string, file: string, warn: Warn): Generator<DirectiveNode> {
  for (const line of logicalLines(text)) {
    const position = { file, line: line.number }
    if (line.swallows) {
      warn('a comment that ends in a backslash swallows the lines after it', position)
      continue
    }
    yield parseDirective(line.text, position)
  }
}

function parseDirective(text: string, position: SourcePosition): DirectiveNode {
  const words = splitWords(text, position)
  const written = words.shift() ?? ''
  const name = written.toLowerCase()
  switch (name) {
    case 'secrule': {
      if (words.length < 2 || words.length > 3) throw wrongCount(written, 'two or three', words, position)
      const [targets = '', operator = '', actions = ''] = words
      return {
        kind: 'rule',
        position,
        variables: parseVariables(targets, position),
        operator: parseOperator(operator, position),
        actions: parseActions(actions, position),
      }
    }
    case 'secaction':
      if (words.length !== 1) throw wrongCount(written, 'one', words, position)
      return { kind: 'rule', position, variables: [], actions: parseActions(words[0] ?? '', position) }
    case 'secdefaultaction':
      if (words.length !== 1) throw wrongCount(written, 'one', words, position)
      return { kind: 'default', position, actions: parseActions(words[0] ?? '', position) }
    case 'secmarker':
      if (words.length !== 1) throw wrongCount(written, 'one', words, position)
      return { kind: 'marker', position, name: words[0] ?? '' }
    default:
      return { kind: 'setting', position, name, written, arguments: words }
  }
}

function wrongCount(
  directive: string,
  wanted: string,
  words: readonly string[],
  position: SourcePosition,
): SecLangError {
  const message = `${directive} takes ${wanted} arguments, not ${words.length}`
  return new SecLangError('SECLANG_SYNTAX', message, position)
}
