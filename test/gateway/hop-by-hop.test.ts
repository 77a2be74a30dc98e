import t from 'tap'

import { connectionOptions, hopByHop } from '../../gateway/hop-by-hop.js'

t.test('fields of one hop end here, whatever Connection says', (t) => {
  const ends = hopByHop([['Host', 'a']])
  for (const name of [
    'connection',
    'keep-alive',
    'te',
    'transfer-encoding',
    'upgrade',
    'proxy-authorization',
  ])
    t.ok(ends(name), name)
  for (const name of ['host', 'cookie', 'content-type', 'trailer']) t.notOk(ends(name), name)
  t.end()
})

t.test('fields that Connection names end here too', (t) => {
  const ends = hopByHop([
    ['Connection', 'close, X-Secret'],
    ['connection', ' x-other ,,'],
  ])
  t.ok(ends('x-secret'))
  t.ok(ends('x-other'))
  t.notOk(ends('x-third'))
  t.end()
})

t.test('framing and routing fields cannot be named away', (t) => {
  const ends = hopByHop([['Connection', 'Host, Content-Length, Content-Type, Content-Encoding']])
  for (const name of ['host', 'content-length', 'content-type', 'content-encoding']) t.notOk(ends(name), name)
  t.end()
})

t.test('connection options are lower case and never empty', (t) => {
  t.same(connectionOptions([['CONNECTION', 'Close, , Upgrade']]), ['close', 'upgrade'])
  t.end()
})
