import type { OperatorFactory } from '../operator.js'
import { dataLines } from './data-file.js'
import { phraseOperator } from './pm.js'

/**
 * Description: one of the phrases in a file stands somewhere in the value, ASCII case ignored; all are searched for in one pass.
 * Arguments: names of files, relative to the rule file; one phrase a line, spaces belong to it, lines that begin with `#` are comments.
 * Returns: true when one does; with `capture`, `TX:0` is the first phrase found, as the value spells it.
 * Example: `SecRule REQUEST_HEADERS:User-Agent "@pmFromFile scanners.data" "id:1,phase:1,deny"`
 */
export const pmFromFile: OperatorFactory = (argument, context) =>
  phraseOperator(dataLines(argument, context, 'pmFromFile'), context)
