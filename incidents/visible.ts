import { shorten } from '../runtime/text.js'

/** Control characters but the line feed, and the marks of bidirectional writing and of nothing visible. */
const UNSEEN =
  // oxlint-disable-next-line no-control-regex -- these are what is looked for
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g

/** Untrusted text as a person may see it: what would steer a terminal or turn the direction of writing becomes its code point. */
export const visible = (text: string): string =>
  text.replaceAll('\r\n', '\n').replace(UNSEEN, (char) => `\\u{${char.charCodeAt(0).toString(16)}}`)

/** The same in one line of at most so many characters. */
export const oneLine = (text: string, length: number): string =>
  shorten(visible(text).replace(/\s+/g, ' ').trim(), length)
