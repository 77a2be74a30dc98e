import { requiring } from '../operator.js'
import type { OperatorFactory } from '../operator.js'
import { heldText, textArgument } from './text-argument.js'

/**
 * Description: the argument stands somewhere in the value, byte for byte.
 * Arguments: text, macros allowed.
 * Returns: true when it does; an empty argument always does.
 * Example: `SecRule REQUEST_LINE "@contains .php" "id:1,phase:1,deny"`
 */
export const contains: OperatorFactory = (argument) => {
  const text = textArgument(argument)
  return requiring(heldText(argument), (value, run) => {
    const wanted = text(run)
    const at = value.indexOf(wanted)
    if (at >= 0 && run.locating) run.matchedAt(at, wanted.length)
    return at >= 0
  })
}
