import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { sqlWords } from '../../../../detectors/injection/sql-words.js'
import { SecLangError } from '../../../../detectors/seclang/errors.js'
import type { SecLangErrorCode } from '../../../../detectors/seclang/errors.js'
import { operatorFactory } from '../../../../detectors/seclang/operators/index.js'
import { admits } from '../../../../detectors/seclang/prefilter/requirement.js'
import { loadContext, recordedRun } from './run.js'

function judge(
  name: string,
  argument: string,
  value: string,
  options: Parameters<typeof recordedRun>[0] = {},
  directory = '/',
) {
  const factory = operatorFactory(name)
  if (factory === undefined) throw new Error(`no operator ${name}`)
  const run = recordedRun(options)
  return { matched: factory(argument, loadContext(directory))(value, run), run }
}

function refusal(name: string, argument: string): SecLangError {
  try {
    judge(name, argument, '')
  } catch (error) {
    if (error instanceof SecLangError) return error
    throw error
  }
  throw new Error(`@${name} ${argument} was taken`)
}

t.test('names are found in any case, unknown ones are not', async (t) => {
  t.equal(operatorFactory('BEGINSwith'), operatorFactory('beginsWith'))
  t.equal(operatorFactory('nope'), undefined)
})

t.test('what we do not have is refused by name and reason', async (t) => {
  for (const name of [
    'inspectFile',
    'fuzzyHash',
    'rbl',
    'gsbLookup',
    'rsub',
    'validateDTD',
    'validateSchema',
    'validateHash',
  ]) {
    const error = refusal(name, 'x')
    t.equal(error.code, 'SECLANG_REFUSED')
    t.match(error.message, new RegExp(`^test\\.conf:7: @${name} is refused: `))
  }
})

t.test('bad arguments are refused while rules are loaded', async (t) => {
  const bad: readonly (readonly [string, string, SecLangErrorCode])[] = [
    ['rx', '(', 'SECLANG_PATTERN'],
    ['pm', '  ', 'SECLANG_BAD_ARGUMENT'],
    ['ipMatch', '10.0.0.0/33', 'SECLANG_BAD_ARGUMENT'],
    ['ipMatch', 'localhost', 'SECLANG_BAD_ARGUMENT'],
    ['ipMatch', '0x7f.1', 'SECLANG_BAD_ARGUMENT'],
    ['validateByteRange', '1-300', 'SECLANG_BAD_ARGUMENT'],
    ['pmFromFile', '', 'SECLANG_BAD_ARGUMENT'],
    ['pmFromFile', '/does/not/exist.data', 'SECLANG_INCLUDE'],
    ['pmFromFile', 'https://example.com/x.data', 'SECLANG_REFUSED'],
  ]
  for (const [name, argument, code] of bad)
    t.equal(refusal(name, argument).code, code, `@${name} ${argument}`)
})

t.test('macros are expanded when a value is judged', async (t) => {
  const macros = { 'tx.limit': '5', 'tx.word': 'needle', 'tx.pattern': 'n(e+)dle', 'tx.broken': '(' }
  t.ok(judge('eq', '%{tx.limit}', '5', { macros }).matched)
  t.ok(judge('gt', '%{tx.limit}', '6', { macros }).matched)
  t.ok(judge('contains', '%{tx.word}', 'a needle', { macros }).matched)
  t.ok(judge('within', 'pin %{tx.word}', 'needle', { macros }).matched)
  const dynamic = judge('rx', '^%{tx.pattern}$', 'needle', { macros })
  t.ok(dynamic.matched)
  t.strictSame(dynamic.run.captures, ['needle', 'ee'])
  const broken = judge('rx', '%{tx.broken}', 'x', { macros })
  t.notOk(broken.matched)
  t.strictSame(broken.run.limits, ['regex_pattern'], 'a macro that makes no pattern shows on the verdict')
})

t.test('rx captures only when asked, and says when it saw only part of a value', async (t) => {
  t.strictSame(judge('rx', '(a)(x)?(b)', 'ab').run.captures, ['ab', 'a', '', 'b'])
  t.strictSame(judge('rx', '(a)', 'ab', { capturing: false }).run.captures, [])
  t.strictSame(judge('rx', '(.)'.repeat(12), 'abcdefghijklm').run.captures.length, 10)
  const cut = judge('rx', '(["\']).*?\\1', 'x'.repeat(100_000) + '""')
  t.notOk(cut.matched)
  t.strictSame(cut.run.limits, ['regex_input'])
})

t.test('pm finds phrases in any case and reads hexadecimal bytes', async (t) => {
  t.strictSame(judge('pm', 'select |55 6e|ion', 'x UNION y').run.captures, ['UNION'])
  t.ok(judge('pm', '|00|', 'a\0b').matched)
  t.ok(judge('pm', 'a|b', 'xA|Bx').matched, 'a bar without hexadecimal bytes is a bar')
  t.notOk(judge('pm', 'abc', 'abd').matched)
})

t.test('data files are read beside the rules', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  writeFileSync(join(directory, 'words.data'), '# comment\r\n\r\nnikto scan\r\nzmap\n')
  writeFileSync(join(directory, 'addresses.data'), '192.0.2.0/24 # documentation\n2001:db8::/32\n')
  t.ok(judge('pmFromFile', 'words.data', 'a Nikto Scan', {}, directory).matched)
  t.notOk(judge('pmf', 'words.data', 'a comment', {}, directory).matched)
  t.ok(judge('ipMatchFromFile', 'addresses.data', '192.0.2.77', {}, directory).matched)
  t.ok(judge('ipMatchF', 'addresses.data', '2001:db8::1', {}, directory).matched)
  t.notOk(judge('ipMatchF', 'addresses.data', '198.51.100.1', {}, directory).matched)
  t.notOk(judge('ipMatchF', 'addresses.data', 'no address', {}, directory).matched)
})

t.test('geoLookup fills GEO from the reader', async (t) => {
  const geo = {
    lookup: (address: string) =>
      address === '192.0.2.1' ? { country: 'AT', continent: 'EU', asn: 64496 } : undefined,
  }
  const found = judge('geoLookup', '', '192.0.2.1', { geo })
  t.ok(found.matched)
  t.strictSame(
    found.run.geoRecord,
    new Map([
      ['COUNTRY_CODE', 'AT'],
      ['COUNTRY_CONTINENT', 'EU'],
      ['ASN', '64496'],
    ]),
  )
  t.notOk(judge('geoLookup', '', '192.0.2.2', { geo }).matched)
  t.notOk(judge('geoLookup', '', '192.0.2.1').matched, 'without a database nothing is known')
})

t.test('injection operators report what they found', async (t) => {
  const sqli = judge('detectSQLi', '', "1' or '1'='1")
  t.ok(sqli.matched)
  t.match(sqli.run.captures[0], /^q/)
  t.ok(judge('detectXSS', '', '<script>alert(1)</script>').matched)
  t.notOk(judge('detectSQLi', '', "Tom O'Brien").matched)
})

t.test('injection operators find nothing in what they do not ask for', async (t) => {
  const words = [...sqlWords.keys(), 'name', 'javascript', '']
  const pieces =
    '1 22 , . - -- / + % : & &colon; &#58; \' " ( ) = ; < > @ # _ \0 \t \x7f \xa0 \xe9 alert'.split(' ')
  const piece = fc.oneof(fc.constantFrom(...words), fc.constantFrom(...pieces, ' '))
  const values = fc.array(piece, { maxLength: 6 }).map((parts) => parts.join(''))
  for (const name of ['detectSQLi', 'detectXSS']) {
    const requires = operatorFactory(name)?.('', loadContext('/')).requires
    if (requires === undefined) throw new Error(`${name} asks nothing`)
    const agrees = (value: string): boolean => admits(requires, value) || !judge(name, '', value).matched
    fc.assert(fc.property(values, agrees), { numRuns: 5000 })
    for (const word of words) t.ok(agrees(word), word)
    for (let code = 0; code < 256; code++) if (!agrees(String.fromCharCode(code))) t.fail(`byte ${code}`)
  }
})

t.test('numbers are verified wherever they stand, within a limit', async (t) => {
  t.strictSame(judge('verifyCC', '\\d{13,16}', '0000 1234567890123 4111111111111111').run.captures, [
    '4111111111111111',
  ])
  t.notOk(judge('verifySSN', '\\d{9}', '111111111').matched)
  t.notOk(judge('verifyCPF', '[\\d.-]+', '111.111.111-11').matched)
  const limited = judge('verifySSN', '\\d+', '1'.repeat(20_000))
  t.strictSame(limited.run.limits, ['verify_candidates'])
})
