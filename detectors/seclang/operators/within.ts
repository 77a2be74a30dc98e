import type { OperatorFactory } from '../operator.js'
import { textArgument } from './text-argument.js'

/**
 * Description: the value stands somewhere in the argument: a list of allowed words in one text.
 * Arguments: text, macros allowed.
 * Returns: true when it does; an empty value always does.
 * Example: `SecRule REQUEST_METHOD "!@within GET HEAD POST" "id:1,phase:1,deny"`
 */
export const within: OperatorFactory = (argument) => {
  const text = textArgument(argument)
  return (value, run) => text(run).includes(value)
}
