import t from 'tap'

import { routedTarget } from '../../gateway/request-target.js'

t.test('origin form is kept byte for byte', (t) => {
  for (const target of ['/', '/a/../b?x=%00&y=\xff', '//host/path', '/a#b'])
    t.same(routedTarget(target), { path: target })
  t.end()
})

t.test('absolute form becomes origin form and names the host', (t) => {
  t.same(routedTarget('http://shop.example/a?b'), { path: '/a?b', authority: 'shop.example' })
  t.same(routedTarget('HTTPS://shop.example:8443'), { path: '/', authority: 'shop.example:8443' })
  t.same(routedTarget('http://shop.example?x=1'), { path: '/?x=1', authority: 'shop.example' })
  t.end()
})

t.test('other forms are not forwarded', (t) => {
  const none = ['*', 'shop.example:443', 'ftp://a/b', 'http:///a', 'http://user@host/', 'x', '']
  const noHost = ['http://a"b/', 'http://a\\b/', 'http://\xe4/', 'http://a\x00/', 'http://a{b}/']
  for (const target of [...none, ...noHost]) t.equal(routedTarget(target), undefined, target)
  t.end()
})
