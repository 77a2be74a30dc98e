import { detectXss } from '../../injection/index.js'
import type { OperatorFactory } from '../operator.js'

/**
 * Description: the value reads as HTML that runs script, in some context it may have been pasted into.
 * Arguments: none.
 * Returns: true when it does; with `capture`, `TX:0` is the value.
 * Example: `SecRule ARGS "@detectXSS" "id:1,phase:2,deny,capture"`
 */
export const detectXSS: OperatorFactory = () => (value, run) => {
  if (!detectXss(value)) return false
  if (run.capturing) run.setCapture(0, value)
  return true
}
