import { parity } from './parity.js'

/** Clears the eighth bit of each byte. */
export const parityZero7bit = parity((low) => low)
