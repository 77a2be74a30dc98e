import t from 'tap'

import { asciiJson, printable } from '../../cli/printable.js'

void t.test('shows what is not printable ASCII, so that it cannot reach the terminal', async (t) => {
  t.equal(printable('a\u001b[31m\u009b\x7f\n\\ é 😀'), 'a\\x1b[31m\\x9b\\x7f\\x0a\\\\ \\xe9 \\ud83d\\ude00')
  const value = { text: '\u009b\x7fé😀\n' }
  t.match(asciiJson(value), /^[\x20-\x7e]+$/)
  t.strictSame(JSON.parse(asciiJson(value)), value)
})
