import type { Transformation } from '../transformation.js'
import { base64DecodeExt } from './base64-decode-ext.js'
import { base64Decode } from './base64-decode.js'
import { base64Encode } from './base64-encode.js'
import { cmdLine } from './cmd-line.js'
import { compressWhitespace } from './compress-whitespace.js'
import { cssDecode } from './css-decode.js'
import { escapeSeqDecode } from './escape-seq-decode.js'
import { hexDecode } from './hex-decode.js'
import { hexEncode } from './hex-encode.js'
import { htmlEntityDecode } from './html-entity-decode.js'
import { jsDecode } from './js-decode.js'
import { length } from './length.js'
import { lowercase } from './lowercase.js'
import { md5 } from './md5.js'
import { none } from './none.js'
import { normalisePathWin } from './normalise-path-win.js'
import { normalisePath } from './normalise-path.js'
import { parityEven7bit } from './parity-even-7bit.js'
import { parityOdd7bit } from './parity-odd-7bit.js'
import { parityZero7bit } from './parity-zero-7bit.js'
import { phpArgsNames } from './php-args-names.js'
import { removeCommentsChar } from './remove-comments-char.js'
import { removeComments } from './remove-comments.js'
import { removeNulls } from './remove-nulls.js'
import { removeWhitespace } from './remove-whitespace.js'
import { replaceComments } from './replace-comments.js'
import { replaceNulls } from './replace-nulls.js'
import { sha1 } from './sha1.js'
import { sqlHexDecode } from './sql-hex-decode.js'
import { trimLeft } from './trim-left.js'
import { trimRight } from './trim-right.js'
import { trim } from './trim.js'
import { uppercase } from './uppercase.js'
import { urlDecodeUni } from './url-decode-uni.js'
import { urlDecode } from './url-decode.js'
import { urlEncode } from './url-encode.js'
import { utf8ToUnicode } from './utf8-to-unicode.js'

/** All transformations by their name in the reference manual. */
export const transformations: ReadonlyMap<string, Transformation> = new Map([
  ['none', none],
  ['base64Decode', base64Decode],
  ['base64DecodeExt', base64DecodeExt],
  ['base64Encode', base64Encode],
  ['cmdLine', cmdLine],
  ['compressWhitespace', compressWhitespace],
  ['cssDecode', cssDecode],
  ['escapeSeqDecode', escapeSeqDecode],
  ['hexDecode', hexDecode],
  ['hexEncode', hexEncode],
  ['htmlEntityDecode', htmlEntityDecode],
  ['jsDecode', jsDecode],
  ['length', length],
  ['lowercase', lowercase],
  ['md5', md5],
  ['normalisePath', normalisePath],
  ['normalizePath', normalisePath],
  ['normalisePathWin', normalisePathWin],
  ['normalizePathWin', normalisePathWin],
  ['parityEven7bit', parityEven7bit],
  ['parityOdd7bit', parityOdd7bit],
  ['parityZero7bit', parityZero7bit],
  ['phpArgsNames', phpArgsNames],
  ['removeComments', removeComments],
  ['removeCommentsChar', removeCommentsChar],
  ['removeNulls', removeNulls],
  ['removeWhitespace', removeWhitespace],
  ['replaceComments', replaceComments],
  ['replaceNulls', replaceNulls],
  ['sha1', sha1],
  ['sqlHexDecode', sqlHexDecode],
  ['trim', trim],
  ['trimLeft', trimLeft],
  ['trimRight', trimRight],
  ['uppercase', uppercase],
  ['urlDecode', urlDecode],
  ['urlDecodeUni', urlDecodeUni],
  ['urlEncode', urlEncode],
  ['utf8toUnicode', utf8ToUnicode],
])

const byLowerName = new Map([...transformations].map(([name, value]) => [name.toLowerCase(), value]))

/** The transformation of that name (case does not matter), or undefined. */
export function transformation(name: string): Transformation | undefined {
  return byLowerName.get(name.toLowerCase())
}
