import type { Transformation } from '../transformation.js'

const codes: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  const char = String.fromCharCode(byte)
  if (byte === 32) return '+'
  return /[A-Za-z0-9*]/.test(char) ? char : '%' + byte.toString(16).padStart(2, '0')
})

/** URL-encodes every byte but ASCII letters, digits and `*`; a space becomes `+`. */
export const urlEncode: Transformation = (value) => {
  let out = ''
  for (let at = 0; at < value.length; at++) out += codes[value.charCodeAt(at) & 0xff] ?? ''
  return out
}
