import { requiring } from '../operator.js'
import type { OperatorFactory } from '../operator.js'
import { heldText, textArgument } from './text-argument.js'

/**
 * Description: the value starts with the argument, byte for byte.
 * Arguments: text, macros allowed.
 * Returns: true when it does; an empty argument always does.
 * Example: `SecRule REQUEST_LINE "!@beginsWith GET" "id:1,phase:1,deny"`
 */
export const beginsWith: OperatorFactory = (argument) => {
  const text = textArgument(argument)
  return requiring(heldText(argument), (value, run) => value.startsWith(text(run)))
}
