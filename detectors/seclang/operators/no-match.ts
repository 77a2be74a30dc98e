import { requiring } from '../operator.js'
import type { OperatorFactory } from '../operator.js'
import { noRequirement } from '../prefilter/index.js'

/**
 * Description: never matches.
 * Arguments: none.
 * Returns: false.
 * Example: `SecRule ARGS "@noMatch" "id:1,phase:2,pass"`
 */
export const noMatch: OperatorFactory = () => requiring({ ...noRequirement, maxLength: -1 }, () => false)
