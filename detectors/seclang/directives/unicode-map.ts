import { isAbsolute } from 'node:path'
import type { RuleFiles } from '../../ports.js'
import type { SettingNode } from '../ast.js'
import { SecLangError } from '../errors.js'
import { directoryOf } from '../parser/include.js'
import { parseUnicodeMap } from '../transformations/unicode-map.js'

/**
 * Reads the map that `SecUnicodeMapFile FILE CODEPAGE` names; the file is relative to the rule file. It holds for all rules of the set.
 *
 * @throws SecLangError for a file that cannot be read or lacks the code page
 */
export function unicodeMap(node: SettingNode, files: RuleFiles): ReadonlyMap<number, number> {
  const words = node.arguments.flatMap((argument) => argument.split(/\s+/)).filter((word) => word !== '')
  const codePage = words.at(-1) ?? ''
  const name = words.slice(0, -1).join(' ')
  if (name === '' || !/^\d{1,6}$/.test(codePage)) {
    const message = `${node.written} ${words.join(' ')}: a file and the number of a code page are wanted`
    throw new SecLangError('SECLANG_BAD_ARGUMENT', message, node.position)
  }
  const path = isAbsolute(name) ? name : directoryOf(node.position.file) + name
  let text: string
  try {
    text = files.read(path)
  } catch (cause) {
    const message = `${node.written} cannot read ${path}`
    throw new SecLangError('SECLANG_INCLUDE', message, node.position, { cause })
  }
  const map = parseUnicodeMap(text, Number(codePage))
  if (map === undefined) {
    const message = `${path} holds no code page ${codePage}`
    throw new SecLangError('SECLANG_BAD_ARGUMENT', message, node.position)
  }
  return map
}
