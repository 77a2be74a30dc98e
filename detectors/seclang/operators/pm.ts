import { SecLangError } from '../errors.js'
import { requiring } from '../operator.js'
import type { Operator, OperatorFactory, OperatorLoadContext } from '../operator.js'
import { textRequirement } from '../prefilter/index.js'
import { PhraseSet } from './phrase-set.js'

/**
 * Description: one of the phrases stands somewhere in the value, ASCII case ignored; all are searched for in one pass.
 * Arguments: phrases separated by spaces; bytes between bars are hexadecimal, as in `|0d 0a|`. Where a bar holds no hexadecimal bytes it is a bar.
 * Returns: true when one does; with `capture`, `TX:0` is the first phrase found, as the value spells it.
 * Example: `SecRule ARGS "@pm union select |27|" "id:1,phase:2,deny"`
 */
export const pm: OperatorFactory = (argument, context) => phraseOperator(splitPhrases(argument), context)

/** Operator over a set of phrases. */
export function phraseOperator(phrases: readonly string[], context: OperatorLoadContext): Operator {
  if (phrases.length === 0)
    throw new SecLangError('SECLANG_BAD_ARGUMENT', '@pm needs at least one phrase', context.position)
  const set = new PhraseSet(phrases)
  return requiring(textRequirement(phrases, true), (value, run) => {
    const found = set.find(value)
    if (found === undefined) return false
    if (run.capturing) run.setCapture(0, value.slice(found.start, found.end))
    if (run.locating) run.matchedAt(found.start, found.end - found.start)
    return true
  })
}

const hexadecimal = /\|((?:[0-9a-fA-F]{2}[ \t]*)+)\|/y

/** Splits at white space outside `|hex|`. */
function splitPhrases(argument: string): readonly string[] {
  const phrases: string[] = []
  let current = ''
  let at = 0
  const flush = (): void => {
    if (current !== '') phrases.push(current)
    current = ''
  }
  while (at < argument.length) {
    if (argument.charAt(at) === '|') {
      hexadecimal.lastIndex = at
      const found = hexadecimal.exec(argument)
      if (found !== null) {
        current += Buffer.from((found[1] ?? '').replace(/\s/g, ''), 'hex').toString('latin1')
        at = hexadecimal.lastIndex
        continue
      }
    }
    if (/\s/.test(argument.charAt(at))) flush()
    else current += argument.charAt(at)
    at += 1
  }
  flush()
  return phrases
}
