import { detectSqli, sqliSigns } from '../../injection/index.js'
import { requiring } from '../operator.js'
import type { OperatorFactory } from '../operator.js'
import { byteClass as is, textRequirement } from '../prefilter/index.js'

/** One word alone is nothing, nor is what has numbers only, nor what has no sign or word of SQL. */
const requires = {
  ...textRequirement(sqliSigns, true),
  minLength: 2,
  someOf: [
    ~(is.lower | is.upper | is.underscore),
    ~(is.digit | is.dot | is.comma | is.slash | is.space | is.control),
  ],
}

/**
 * Description: the value reads as SQL that breaks out of a query: its tokens, in some context it may have been pasted into, spell a known fingerprint.
 * Arguments: none.
 * Returns: true when it does; with `capture`, `TX:0` is the fingerprint.
 * Example: `SecRule ARGS "@detectSQLi" "id:1,phase:2,deny,capture"`
 */
export const detectSQLi: OperatorFactory = () =>
  requiring(requires, (value, run) => {
    const fingerprint = detectSqli(value)
    if (fingerprint === false) return false
    if (run.capturing) run.setCapture(0, fingerprint)
    return true
  })
