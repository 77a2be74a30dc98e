import { requiring } from '../operator.js'
import type { OperatorFactory } from '../operator.js'
import { ByteSet } from '../pcre/byte-set.js'
import { byteRequirement } from '../prefilter/index.js'

/**
 * Description: the bytes of the value are not UTF-8 (RFC 3629): broken or overlong sequences, surrogates, code points beyond U+10FFFF.
 * Arguments: none.
 * Returns: true when they are not: the name says what is demanded, the match tells that it is not so.
 * Example: `SecRule ARGS "@validateUtf8Encoding" "id:1,phase:2,deny"`
 */
export const validateUtf8Encoding: OperatorFactory = () =>
  requiring(byteRequirement(ByteSet.range(0x80, 0xff)), (value) => {
    let at = 0
    while (at < value.length) {
      const length = sequenceLength(value, at)
      if (length === 0) return true
      at += length
    }
    return false
  })

/** Bytes of the well-formed sequence at `at`, 0 when it is none; the ranges are those of RFC 3629 section 4. */
function sequenceLength(value: string, at: number): number {
  const first = value.charCodeAt(at)
  if (first < 0x80) return 1
  if (first < 0xc2 || first > 0xf4) return 0
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
  const second = value.charCodeAt(at + 1)
  const least = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80
  const most = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf
  if (!(second >= least && second <= most)) return 0
  for (let next = at + 2; next < at + length; next++) {
    const byte = value.charCodeAt(next)
    if (!(byte >= 0x80 && byte <= 0xbf)) return 0
  }
  return length
}
