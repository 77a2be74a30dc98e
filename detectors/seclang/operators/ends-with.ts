import { requiring } from '../operator.js'
import type { OperatorFactory } from '../operator.js'
import { heldText, textArgument } from './text-argument.js'

/**
 * Description: the value ends with the argument, byte for byte.
 * Arguments: text, macros allowed.
 * Returns: true when it does; an empty argument always does.
 * Example: `SecRule REQUEST_FILENAME "@endsWith .bak" "id:1,phase:1,deny"`
 */
export const endsWith: OperatorFactory = (argument) => {
  const text = textArgument(argument)
  return requiring(heldText(argument), (value, run) => value.endsWith(text(run)))
}
