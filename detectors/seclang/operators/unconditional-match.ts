import type { OperatorFactory } from '../operator.js'

/**
 * Description: always matches.
 * Arguments: none.
 * Returns: true.
 * Example: `SecRule REMOTE_ADDR "@unconditionalMatch" "id:1,phase:1,pass,nolog"`
 */
export const unconditionalMatch: OperatorFactory = () => () => true
