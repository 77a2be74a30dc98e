import type { OperatorFactory } from '../operator.js'
import { contains } from './contains.js'

/**
 * Description: the argument stands somewhere in the value, byte for byte; kept as a name of its own for older rules.
 * Arguments: text, macros allowed.
 * Returns: true when it does.
 * Example: `SecRule REQUEST_HEADERS:User-Agent "@strmatch WebZIP" "id:1,phase:1,deny"`
 */
export const strmatch: OperatorFactory = contains
