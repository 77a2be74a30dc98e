import t from 'tap'

import { byName } from '../../../gateway/listener/by-name.js'

t.test('judges each name once, by its case, and remembers so many only', (t) => {
  const judged: string[] = []
  const lower = byName((name) => {
    judged.push(name)
    return name.toLowerCase()
  })
  t.same(['Host', 'host', 'Host', 'host'].map(lower), ['host', 'host', 'host', 'host'])
  t.same(judged, ['Host', 'host'])
  const long = 'X'.repeat(65)
  t.same([lower(long), lower(long)], [long.toLowerCase(), long.toLowerCase()])
  t.equal(judged.length, 4)
  const names = Array.from({ length: 3000 }, (_, n) => `X-${n}`)
  t.same(
    names.map(lower),
    names.map((name) => name.toLowerCase()),
  )
  judged.length = 0
  t.same(
    [...names].map(lower),
    names.map((name) => name.toLowerCase()),
  )
  t.ok(judged.length > 1900 && judged.length < 3000)
  t.end()
})
