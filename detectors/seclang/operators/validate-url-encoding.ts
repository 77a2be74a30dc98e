import { requiring } from '../operator.js'
import type { OperatorFactory } from '../operator.js'
import { textRequirement } from '../prefilter/index.js'

const broken = /%(?![0-9a-fA-F]{2})/

/**
 * Description: some `%` in the value is not followed by two hexadecimal digits.
 * Arguments: none.
 * Returns: true when one is not: the name says what is demanded, the match tells that it is not so.
 * Example: `SecRule REQUEST_URI_RAW "@validateUrlEncoding" "id:1,phase:1,deny"`
 */
export const validateUrlEncoding: OperatorFactory = () =>
  requiring(textRequirement(['%'], false), (value) => broken.test(value))
