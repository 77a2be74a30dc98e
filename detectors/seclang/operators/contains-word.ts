import { requiring } from '../operator.js'
import type { OperatorFactory } from '../operator.js'
import { heldText, textArgument } from './text-argument.js'

/**
 * Description: the argument stands in the value as a word of its own: no ASCII letter right before or after it (digits and `_` bound a word).
 * Arguments: text, macros allowed.
 * Returns: true when it does; an empty argument always does.
 * Example: `SecRule ARGS "@containsWord select" "id:1,phase:2,deny"`
 */
export const containsWord: OperatorFactory = (argument) => {
  const text = textArgument(argument)
  return requiring(heldText(argument), (value, run) => {
    const word = text(run)
    if (word === '') return true
    for (let at = value.indexOf(word); at >= 0; at = value.indexOf(word, at + 1)) {
      if (!isLetter(value.charCodeAt(at - 1)) && !isLetter(value.charCodeAt(at + word.length))) return true
    }
    return false
  })
}

function isLetter(code: number): boolean {
  return (code >= 65 && code <= 90) || (code >= 97 && code <= 122)
}
