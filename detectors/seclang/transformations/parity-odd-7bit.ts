import { parity } from './parity.js'

/** Replaces the eighth bit of each byte by the odd parity of the other seven. */
export const parityOdd7bit = parity((low, odd) => (odd ? low : low | 0x80))
