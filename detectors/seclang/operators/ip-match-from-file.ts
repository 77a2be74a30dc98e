import type { OperatorFactory } from '../operator.js'
import { dataLines } from './data-file.js'
import { addressOperator } from './ip-match.js'

/**
 * Description: the value is one of the addresses in a file or lies in one of its networks.
 * Arguments: names of files, relative to the rule file; one address or network a line, what follows `#` is a comment.
 * Returns: true when it is; a value that is no address never matches.
 * Example: `SecRule REMOTE_ADDR "@ipMatchFromFile blocked.data" "id:1,phase:1,deny"`
 */
export const ipMatchFromFile: OperatorFactory = (argument, context) => {
  const lines = dataLines(argument, context, 'ipMatchFromFile')
  return addressOperator(
    lines.map((line) => line.replace(/#.*$/, '').trim()),
    context,
    'ipMatchFromFile',
  )
}
