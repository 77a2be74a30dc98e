import { SecLangError } from '../errors.js'
import type { Operator, OperatorFactory, OperatorLoadContext } from '../operator.js'
import { AddressSet } from './address-set.js'

/**
 * Description: the value is one of the addresses or lies in one of the networks, IPv4 or IPv6 in any spelling.
 * Arguments: addresses and networks (`address/bits`) separated by commas.
 * Returns: true when it is; a value that is no address never matches.
 * Example: `SecRule REMOTE_ADDR "@ipMatch 192.0.2.0/24,2001:db8::/32" "id:1,phase:1,deny"`
 */
export const ipMatch: OperatorFactory = (argument, context) =>
  addressOperator(
    argument.split(',').map((part) => part.trim()),
    context,
    'ipMatch',
  )

/** Operator over a list of addresses and networks; throws `SecLangError` for one that is neither. */
export function addressOperator(
  list: readonly string[],
  context: OperatorLoadContext,
  operator: string,
): Operator {
  const set = new AddressSet()
  for (const text of list) {
    if (text !== '' && !set.add(text)) {
      throw new SecLangError(
        'SECLANG_BAD_ARGUMENT',
        `@${operator}: "${text}" is no IP address or network`,
        context.position,
      )
    }
  }
  return (value, run) => {
    const found = set.has(value)
    if (found && run.capturing) run.setCapture(0, value)
    return found
  }
}
