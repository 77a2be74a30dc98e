import t from 'tap'
import { shorten } from '../../runtime/text.js'

t.test('a text is cut between characters and stays well-formed', async (t) => {
  t.equal(shorten('abc', 5), 'abc')
  t.equal(shorten('abcdef', 3), 'abc')
  t.equal(shorten('a\u{1f600}b', 2), 'a\u{1f600}')
  t.equal(shorten('\ud800x', 5), '\ufffdx')
  t.equal(shorten('\u{1f600}'.repeat(300), 200), '\u{1f600}'.repeat(200))
})
