import { parseForm } from '../../transaction/form.js'
import type { BodyCheck, BodyProcessor } from './body.js'

/** Reads `application/x-www-form-urlencoded`. */
export const urlencoded: BodyProcessor = (body, _contentType, limits) => {
  const form = parseForm(body, limits.arguments, limits.argumentSeparator)
  return {
    args: form.fields.map(({ name, value }) => ({ key: name, value })),
    urlencodedError: form.invalid,
    error: form.limited ? `more than ${limits.arguments} arguments` : '',
    limits: form.limited ? ['arguments'] : [],
  }
}

/** Each field but the last has a separator behind it, and something before that. */
export const isSoundForm: BodyCheck = ({ length }, limits) => length < 2 * limits.arguments
