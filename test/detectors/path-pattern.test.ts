import t from 'tap'
import fc from 'fast-check'

import { anyReading, compilePathPattern, plainReading } from '../../detectors/path-pattern.js'
import { requestPath } from '../../detectors/request-path.js'
import { growth } from './seclang/work.js'

const matches = (pattern: string, path: string) => compilePathPattern(pattern, 'key', false)(path)

t.test('exact, folder and wildcard patterns', async (t) => {
  t.equal(matches('/health', '/health'), true)
  t.equal(matches('/health', '/health/'), false)
  t.equal(matches('/health', '/Health'), false)
  t.equal(matches('/admin/*', '/admin'), true)
  t.equal(matches('/admin/*', '/admin/'), true)
  t.equal(matches('/admin/*', '/admin/a/b'), true)
  t.equal(matches('/admin/*', '/administrator'), false)
  t.equal(matches('/*', '/anything/at/all'), true)
  t.equal(matches('/a/*/c', '/a/b/c'), true)
  t.equal(matches('/a/*/c', '/a/b/b/c'), false)
  t.equal(matches('/**/c', '/a/b/c'), true)
  t.equal(matches('/a?c', '/abc'), true)
  t.equal(matches('/a?c', '/a/c'), false)
  t.equal(matches('/img/*.png', '/img/x.png'), true)
  t.equal(matches('/img/*.png', '/img/x/y.png'), false)
  t.equal(matches('/u/*/files/*', '/u/7/files/x/y'), true)
  t.equal(matches('/u/*/files/*', '/u/7/files'), true)
  t.equal(matches('/u/*/files/*', '/u/7/fileset'), false)
  t.equal(matches('/gr\u00fc\u00dfe', Buffer.from('/gr\u00fc\u00dfe').toString('latin1')), true)
})

t.test('a pattern that cannot be honoured is an error', async (t) => {
  for (const bad of ['admin', '', '/a//b', '/a/../b', '/a/./b', '/a\\b', `/${'x'.repeat(2000)}`]) {
    t.throws(() => compilePathPattern(bad, 'detection.phases.url_block.paths[0]', false), {
      code: 'DETECTOR_PATH_PATTERN',
      message: /url_block/,
    })
  }
})

t.test('a forbidden path is found in whichever way it is written', async (t) => {
  const forbidden = anyReading([compilePathPattern('/admin/*', 'key', true)])
  for (const target of [
    '/admin',
    '/admin/',
    '/admin/users?x=1',
    '/ADMIN/x',
    '//admin/x',
    '/./admin/x',
    '/public/../admin/x',
    '/%61dmin/x',
    '/%2561dmin/x',
    '/%252561dmin',
    '/admin;v=1/x',
    '/public/..;/admin/x',
    '/public/%2e%2e/admin',
    '/public%2f..%2fadmin',
    '/public\\..\\admin',
    '/public/..%5cadmin',
    '/public/%c0%ae%c0%ae/admin',
    '/x/..%c0%afadmin',
    '/admin%00.png',
    '/%u0061dmin/',
    'http://host/admin/x',
    'HTTP://host//admin',
    '/admin#x',
    '/admin%2f',
    '/a/b/../../admin/./x',
    '/admin%3bx=1/y',
    '/x/%252e%252e/admin',
  ]) {
    t.equal(forbidden(requestPath(target)), true, target)
  }
  for (const target of [
    '/',
    '/administrator',
    '/public?next=/admin/',
    '*',
    'http://host',
    '/x/admin',
    '/badmin/',
  ]) {
    t.equal(forbidden(requestPath(target)), false, target)
  }
})

t.test('trust is given only to a path with one reading', async (t) => {
  const trusted = plainReading([compilePathPattern('/public/*', 'key', false)])
  for (const target of [
    '/public/',
    '/public/app.js?v=../..',
    '/public/a%20b.css',
    '/public/a-b_c~d.png',
    'http://host/public/x',
  ]) {
    t.equal(trusted(requestPath(target)), true, target)
  }
  for (const target of [
    '/public/../admin',
    '/public/%2e%2e/admin',
    '/public/%2e./admin',
    '/public//x',
    '/public/;x',
    '/public/..;/admin',
    '/public/%252e%252e/admin',
    '/public/%2f',
    '/public/%5c..',
    '/public/\\..',
    '/public/./x',
    '/PUBLIC/x',
    '/public/%00',
    '/public/\xe9',
    '/public/%c0%ae',
    '/x/../public/y',
    '/public/x%0d%0a',
    '/public/%25',
    '/public/%u002e',
  ]) {
    t.equal(trusted(requestPath(target)), false, target)
  }
})

t.test('readings are normalised whatever the target', async () => {
  const unit = fc.constantFrom(
    '/',
    '..',
    '.',
    '%2e',
    '%2f',
    '%25',
    '%',
    ';',
    '\\',
    'a',
    'b',
    '%5c',
    '%00',
    '?',
    '#',
    '://',
    '\xc0\xaf',
    '%u002f',
  )
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 30 }), (units) => {
      const path = requestPath(units.join(''))
      return path.readings.every(
        (r) => r === '*' || (r.startsWith('/') && !/\/\.{1,2}(?:\/|$)|\/\/|\\/.test(r)),
      )
    }),
    { numRuns: 2000 },
  )
})

t.test('no path makes a pattern slow', async (t) => {
  const glob = compilePathPattern(`/${'*a'.repeat(40)}/**b**b**b`, 'key', true)
  const work = (n: number): void => {
    glob(`/${'a'.repeat(n)}`)
    requestPath(`/${'%2e%2e%2f;'.repeat(n / 10)}`)
  }
  t.ok(growth(work, 10_000) < 10)
})
