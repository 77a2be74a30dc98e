import fc from 'fast-check'
import t from 'tap'
import { glob } from '../../scanner/glob.js'

t.test('what patterns mean', async (t) => {
  const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ['node_modules', ['/a/node_modules', 'node_modules'], ['/a/node_modules2', '/node_modules/a']],
    ['*.iso', ['/a/b.iso', '/.iso'], ['/a/b.iso.txt', '/a.iso/b']],
    ['?at', ['/cat'], ['/at', '/chat']],
    ['/srv/*/cache', ['/srv/a/cache'], ['/srv/a/b/cache', '/srv/cache', '/srv/a/cache/x']],
    ['/srv/**/cache', ['/srv/a/cache', '/srv/a/b/cache', '/srv/cache'], ['/srv/acache', '/srv/a/cache/x']],
    ['/srv/**', ['/srv/a', '/srv/a/b'], ['/srv', '/other/srv/a']],
    ['/srv/tmp/', ['/srv/tmp'], ['/srv/tmp/a']],
    ['**/x', ['/x', '/a/x', 'x'], ['/ax', '/x/a']],
    ['a[1].(b)+$', ['/a[1].(b)+$'], ['/a1.b']],
    ['🙂?', ['/🙂🙃'], ['/🙂', '/🙂ab']],
  ]
  for (const [pattern, yes, no] of cases) {
    for (const path of yes) t.ok(glob(pattern)(path), `${pattern} means ${path}`)
    for (const path of no) t.notOk(glob(pattern)(path), `${pattern} does not mean ${path}`)
  }
})

t.test('a path without wildcards means itself, whatever is in it', async (t) => {
  const name = fc.string({ minLength: 1 }).filter((text) => !/[/*?]/.test(text))
  fc.assert(
    fc.property(
      name,
      name,
      (one, two) => glob(`/${one}/${two}`)(`/${one}/${two}`) && glob(two)(`/${one}/${two}`),
    ),
  )
  t.pass()
})

t.test('a hostile name takes no time', async (t) => {
  const pattern = glob('*a'.repeat(30) + 'b')
  t.notOk(pattern('/' + 'a'.repeat(4096)))
  t.notOk(glob('/**/'.padEnd(120, 'a/**/') + 'b')('/a'.repeat(2048)))
})
