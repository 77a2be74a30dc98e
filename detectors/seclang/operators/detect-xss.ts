import { detectXss } from '../../injection/index.js'
import { requiring } from '../operator.js'
import type { OperatorFactory } from '../operator.js'
import { byteClass as is, noRequirement } from '../prefilter/index.js'

/** A tag, an attribute, or a URL whose colon may be written as a reference, and which says what to run. */
const requires = {
  ...noRequirement,
  someOf: [
    is.angle | is.equals | is.colon | is.ampersand,
    is.angle | is.equals | is.ampersand | is.round | is.backQuote | is.semicolon | is.comma,
  ],
}

/**
 * Description: the value reads as HTML that runs script, in some context it may have been pasted into.
 * Arguments: none.
 * Returns: true when it does; with `capture`, `TX:0` is the value.
 * Example: `SecRule ARGS "@detectXSS" "id:1,phase:2,deny,capture"`
 */
export const detectXSS: OperatorFactory = () =>
  requiring(requires, (value, run) => {
    if (!detectXss(value)) return false
    if (run.capturing) run.setCapture(0, value)
    return true
  })
