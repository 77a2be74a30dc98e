import type { Transformation } from '../transformation.js'
import { bestFit } from './best-fit.js'
import { hexByte } from './bytes.js'

/**
 * Makes a `urlDecodeUni` that folds code points by the given map (see `SecUnicodeMapFile`). It decodes `%HH`, `+` and the `%uHHHH` of IIS; a code point
 * outside the map becomes its low byte, full-width forms of ASCII become ASCII; what is malformed stays.
 */
export function urlDecodeUniWith(map: ReadonlyMap<number, number>): Transformation {
  return (value) => {
    const spaced = value.includes('+') ? value.replaceAll('+', ' ') : value
    let at = spaced.indexOf('%')
    if (at < 0) return spaced
    let out = ''
    let copied = 0
    while (at >= 0) {
      const letter = spaced.charCodeAt(at + 1)
      const wide = letter === 117 || letter === 85
      const byte = wide ? wideByte(spaced, at + 2, map) : hexByte(spaced, at + 1)
      if (byte >= 0) {
        out += spaced.slice(copied, at) + String.fromCharCode(byte)
        copied = at + (wide ? 6 : 3)
      }
      at = spaced.indexOf('%', byte >= 0 ? copied : at + 1)
    }
    return out + spaced.slice(copied)
  }
}

function wideByte(value: string, at: number, map: ReadonlyMap<number, number>): number {
  const high = hexByte(value, at)
  const low = hexByte(value, at + 2)
  if (high < 0 || low < 0) return -1
  const mapped = map.get(high * 256 + low)
  if (mapped !== undefined) return mapped
  return high === 0xff && low > 0 && low < 0x5f ? low + 0x20 : low
}

/** `urlDecodeUni` with the look-alikes of `best-fit.ts`, as long as no map file is configured. */
export const urlDecodeUni: Transformation = urlDecodeUniWith(bestFit)
