import t from 'tap'
import fc from 'fast-check'

import { isSensitiveName, isSensitiveVariable, maskMatch, maskSample, maskUri } from '../../detectors/mask.js'
import { ALL_FORMS, hideSecrets, maskSecrets } from '../../detectors/mask-secrets.js'
import type { RuleMatch } from '../../detectors/verdict.js'
import { growth } from './seclang/work.js'

t.test('names that hold secrets', async (t) => {
  for (const name of [
    'password',
    'user[passwd]',
    'X-Api-Key',
    'Authorization',
    'access_token',
    'json.user.password',
    'PHP.sid',
    'csrf_token',
    'client_secret',
    'Cookie',
  ]) {
    t.equal(isSensitiveName(name), true, name)
  }
  for (const name of ['q', 'id', 'page', 'comment', 'side', 'User-Agent', 'Referer', 'spin']) {
    t.equal(isSensitiveName(name), false, name)
  }
  t.equal(isSensitiveVariable('REQUEST_COOKIES:theme'), true)
  t.equal(isSensitiveVariable('REQUEST_HEADERS:Authorization'), true)
  t.equal(isSensitiveVariable('ARGS:q'), false)
  t.equal(isSensitiveVariable('REQUEST_FILENAME'), false)
})

t.test('a hidden value keeps the shape of the attack', async (t) => {
  t.equal(maskSample('ARGS:password', "hunter2' OR 1=1 --", 'secrets'), "***' OR ***=*** --")
  t.equal(
    maskSample('REQUEST_COOKIES:s', "1' UNION SELECT pw FROM users", 'secrets'),
    "***' UNION SELECT *** FROM ***",
  )
  t.equal(maskSample('ARGS:q', "1' UNION SELECT 1", 'secrets'), "1' UNION SELECT 1")
  t.equal(maskSample('ARGS:password', 'hunter2', 'none'), 'hunter2')
})

t.test('secrets are found by their own form', async (t) => {
  const gone = (text: string, secret: string) => t.notMatch(maskSecrets(text), secret, text)
  gone('Authorization: Bearer abcdef0123456789', 'abcdef0123456789')
  gone('Basic dXNlcjpwYXNzd29yZA==', 'dXNlcjpwYXNzd29yZA')
  gone('{"password":"s3cr3t!x","a":1}', 's3cr3t')
  gone('password=s3cr3t&x=1', 's3cr3t')
  gone('https://bob:s3cr3t@example.com/', 's3cr3t')
  gone(`ghp_${'a1B2'.repeat(9)}`, 'a1B2a1B2')
  gone('AKIAABCDEFGHIJKLMNOP', 'ABCDEFGHIJKLMNOP')
  gone(`eyJ${'aB3'.repeat(10)}.${'cD4'.repeat(10)}.sig`, 'aB3aB3')
  gone('de4dbeef'.repeat(5), 'de4dbeefde4dbeef')
  gone('4111 1111 1111 1111', '1111 1111')
  gone('card 5555-5555-5555-4444.', '5555-5555')
  gone('-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY-----', 'MIIabc')
  gone('-----BEGIN PRIVATE KEY-----\nMIIabc', 'MIIabc')
  for (const harmless of [
    'select a union rep',
    '../../etc/passwd',
    '0190a5b4-7c1e-7f00-8000-1234567890ab',
    '1234567890123',
    'a=1&b=2',
    '2024-01-01 10:20:30',
    '<script>alert(1)</script>',
  ]) {
    t.equal(maskSecrets(harmless), harmless)
  }
})

t.test('a URI loses the values of telling parameters only', async (t) => {
  t.equal(
    maskUri('/login?user=bob&password=hunter2&next=%2f', 'secrets'),
    '/login?user=bob&password=***&next=%2f',
  )
  t.equal(maskUri('/login?pass%77ord=hunter2', 'secrets'), '/login?pass%77ord=***', 'an escaped name')
  t.equal(maskUri('/login?password=x', 'none'), '/login?password=x')
  t.equal(maskUri('/a/b', 'secrets'), '/a/b')
})

t.test('what a URI hides is hidden in a sample of the whole URI and of a raw body too', async (t) => {
  for (const name of ['token', 'csrf_token', 'session', 'sessionid', 'sid', 'jwt', 'otp', 'pin', 'xsrf']) {
    const uri = `/a?x=1&${name}=Pl4inValue&id=<script>alert(1)`
    t.equal(maskUri(uri, 'secrets'), `/a?x=1&${name}=***&id=<script>alert(1)`)
    t.equal(maskSample('REQUEST_URI', uri, 'secrets'), `/a?x=1&${name}=***&id=<script>alert(1)`)
    const json = JSON.stringify({ [name]: 'Pl4inValue', id: "1' or 1=1" })
    t.notMatch(maskSample('REQUEST_BODY', json, 'secrets'), /Pl4in/)
  }
  for (const harmless of ['spin=fast&copin=1', 'obsession with tokens', 'pinned: a'])
    t.equal(maskSecrets(harmless), harmless)
})

t.test('a match is masked in sample, data and message', async (t) => {
  const match: RuleMatch = {
    id: 1,
    seclangPhase: 2,
    phase: 'sql_injection',
    msg: "found hunter2' OR 1",
    data: "Matched Data: hunter2 found within ARGS:password: hunter2' OR 1",
    variable: 'ARGS:password',
    sample: "hunter2' OR 1",
    tags: [],
    logged: true,
  }
  const masked = maskMatch(match, 'secrets')
  t.notMatch(JSON.stringify(masked), 'hunter2')
  t.match(masked.data, 'Matched Data: *** found within ARGS')
  t.equal(maskMatch(match, 'none'), match)
})

t.test('long values are cut and the rest is counted', async (t) => {
  const masked = maskSample('ARGS:q', 'x y '.repeat(1000), 'secrets')
  t.ok(masked.length < 1100)
  t.match(masked, /2976 more/)
})

t.test('masking is total and linear', async (t) => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 300 }),
      (text) => typeof maskSecrets(text) === 'string',
    ),
  )
  for (const unit of [
    '4111 1111 1111 1111 ',
    'eyJ',
    'password=',
    '-----BEGIN ',
    '1 ',
    '://a:',
    'bearer ',
    'aB3',
    'A-',
  ]) {
    t.ok(growth((n) => maskSecrets(unit.repeat(n)), 1000) < 10, unit)
  }
})

t.test('the walk that says which secrets a text may hold never misses one', async () => {
  const names = 'password Session_ID sid api-key iban PIN authorization credentials bearer Basic'.split(' ')
  const signs = [
    '"',
    "'",
    ' ',
    '    ',
    '\t',
    '\xa0',
    '\u2003',
    ':',
    '=',
    '&',
    '@',
    '://',
    '-',
    '.',
    '\n',
    'x',
    '7',
  ]
  const secrets = [
    'https://bob:s3cr3t@example.com/',
    'aB3dE5'.repeat(6),
    '4111 1111 1111 1111',
    '5555-5555',
    '-----BEGIN RSA PRIVATE KEY-----',
    '-----END',
    'ghp_',
    'eyJ',
  ]
  const piece = fc.oneof(fc.constantFrom(...names), fc.constantFrom(...signs), fc.constantFrom(...secrets))
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string({ maxLength: 12 })), { maxLength: 12 }), (parts) => {
      const text = parts.join('')
      return text.length < 6 || maskSecrets(text) === hideSecrets(text, ALL_FORMS)
    }),
    { numRuns: 5000 },
  )
})
