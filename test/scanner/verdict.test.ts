import t from 'tap'
import { describePath, isFound, verdictOf, type Level, type Reason } from '../../scanner/verdict.js'

const reason = (level: Level): Reason => ({ engine: 'yara', rule: 'R', level })

t.test('the strongest reason decides, and a note raises nothing', async (t) => {
  t.equal(verdictOf([]), 'clean')
  t.equal(verdictOf([reason('note')]), 'clean')
  t.equal(verdictOf([reason('note'), reason('skipped')]), 'skipped')
  t.equal(verdictOf([reason('error'), reason('skipped')]), 'error')
  t.equal(verdictOf([reason('suspicious'), reason('error')]), 'suspicious', 'found wins over error')
  t.equal(verdictOf([reason('suspicious'), reason('malicious'), reason('error')]), 'malicious')
  t.notOk(isFound('error'))
  t.ok(isFound('suspicious'))
})

t.test('a path that text cannot hold keeps its bytes', async (t) => {
  const odd = Buffer.from([0x2f, 0xff])
  t.strictSame(describePath(Buffer.from('/ä')), { path: '/ä' })
  t.strictSame(describePath(odd), { path: '/\ufffd', path_base64: odd.toString('base64') })
})
