import type { Transformation } from '../transformation.js'

const foreign = /[^A-Za-z0-9+/_.-]/g

/**
 * Decodes base64 forgivingly: bytes outside the alphabet are skipped wherever they stand, the URL alphabet counts too, padding is optional.
 * Attackers break up an encoded payload that lenient decoders still accept; this sees it as they do.
 */
export const base64DecodeExt: Transformation = (value) =>
  Buffer.from(value.replace(foreign, '').replaceAll('.', ''), 'base64').toString('latin1')
