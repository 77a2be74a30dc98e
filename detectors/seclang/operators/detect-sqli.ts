import { detectSqli } from '../../injection/index.js'
import type { OperatorFactory } from '../operator.js'

/**
 * Description: the value reads as SQL that breaks out of a query: its tokens, in some context it may have been pasted into, spell a known fingerprint.
 * Arguments: none.
 * Returns: true when it does; with `capture`, `TX:0` is the fingerprint.
 * Example: `SecRule ARGS "@detectSQLi" "id:1,phase:2,deny,capture"`
 */
export const detectSQLi: OperatorFactory = () => (value, run) => {
  const fingerprint = detectSqli(value)
  if (fingerprint === false) return false
  if (run.capturing) run.setCapture(0, fingerprint)
  return true
}
