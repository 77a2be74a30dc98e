import { isAbsolute, join } from 'node:path'
import { SecLangError } from '../errors.js'
import type { OperatorLoadContext } from '../operator.js'

/**
 * Reads the data files that an argument names (separated by spaces, relative to the rule file): their lines without comments, empty lines and line ends.
 * Throws `SecLangError` for a file that cannot be read and for remote ones.
 */
export function dataLines(
  argument: string,
  context: OperatorLoadContext,
  operator: string,
): readonly string[] {
  const names = argument.split(/\s+/).filter((name) => name !== '')
  if (names.length === 0)
    throw new SecLangError('SECLANG_BAD_ARGUMENT', `@${operator} needs a file name`, context.position)
  return names.flatMap((name) => fileLines(name, context, operator))
}

function fileLines(name: string, context: OperatorLoadContext, operator: string): readonly string[] {
  if (/^https?:\/\//i.test(name)) {
    throw new SecLangError(
      'SECLANG_REFUSED',
      `@${operator} ${name}: rule data is not fetched from the network`,
      context.position,
    )
  }
  const path = isAbsolute(name) ? name : join(context.directory, name)
  let content: string
  try {
    content = context.files.read(path)
  } catch (cause) {
    throw new SecLangError('SECLANG_INCLUDE', `@${operator} cannot read ${path}`, context.position, { cause })
  }
  return content
    .split('\n')
    .map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line))
    .filter((line) => line.trim() !== '' && !line.trimStart().startsWith('#'))
}
