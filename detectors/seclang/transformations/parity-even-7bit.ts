import { parity } from './parity.js'

/** Replaces the eighth bit of each byte by the even parity of the other seven. */
export const parityEven7bit = parity((low, odd) => (odd ? low | 0x80 : low))
