import type { OperatorFactory } from '../operator.js'

/**
 * Description: never matches.
 * Arguments: none.
 * Returns: false.
 * Example: `SecRule ARGS "@noMatch" "id:1,phase:2,pass"`
 */
export const noMatch: OperatorFactory = () => () => false
