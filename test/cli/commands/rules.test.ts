import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'

import { runInProcess } from '../fixtures/in-process.js'

const data = process.env.PORTCULLIS_TEST_DATA
const noData = data === undefined && 'skipped: no data'
const crs = join(data ?? '', 'crs')

const check = async (t: Test, text: string, ...flags: string[]) => {
  const folder = t.testdir({ 'a.conf': text })
  const { code, stdout, stderr } = await runInProcess(['rules', 'check', join(folder, 'a.conf'), ...flags])
  t.equal(stderr, '')
  return { code, out: stdout.replaceAll(`${folder}/`, '') }
}

void t.test('check names what is wrong with file, line and code, and exits 1', async (t) => {
  const { code, out } = await check(
    t,
    [
      'SecRule ARGS "@rx a(b+)c" "id:1,phase:2,deny"',
      'SecRule ARGS "@nosuch x" "id:2,phase:2,deny"',
      'SecRule NOSUCH "@rx x" "id:3,phase:2,deny"',
      'SecRule ARGS "@rx (unclosed" "id:4,phase:2,deny"',
      'SecRule ARGS "@rbl example.org" "id:5,phase:2,deny"',
      'SecAction "id:1,phase:1,pass"',
      '',
    ].join('\n'),
  )
  t.equal(code, 1)
  t.match(out, /^a\.conf:2: error: SECLANG_UNKNOWN_OPERATOR: .*@nosuch/m)
  t.match(out, /^a\.conf:3: error: SECLANG_UNKNOWN_VARIABLE: .*NOSUCH/m)
  t.match(out, /^a\.conf:4: error: SECLANG_PATTERN: /m)
  t.match(out, /^a\.conf:5: error: SECLANG_REFUSED: .*DNS/m)
  t.match(out, /^a\.conf:6: error: SECLANG_DUPLICATE_ID: rule 1 is already defined at a\.conf:1/m)
  t.match(out, /^a\.conf:4: rule 4: @rx pattern is refused/m)
  t.match(out, /5 errors, 0 warnings\n$/)
})

void t.test('check says of each pattern how its time is limited', async (t) => {
  const { code, out } = await check(
    t,
    [
      'SecRule ARGS "@rx a(b+)c" "id:1,phase:2,deny"',
      'SecRule ARGS "@rx (a)b\\1" "id:2,phase:2,deny"',
      'SecRule ARGS "@rx %{tx.pattern}" "id:3,phase:2,deny,chain"',
      'SecRule ARGS "@rx x+" "t:none"',
      '',
    ].join('\n'),
  )
  t.equal(code, 0)
  t.match(out, /^a\.conf:1: rule 1: @rx pattern is linear/m)
  t.match(out, /^a\.conf:2: rule 2: @rx pattern is bounded: backtracks, and sees the first \d+ bytes/m)
  t.match(out, /^a\.conf:3: rule 3: @rx pattern is dynamic/m)
  t.match(out, /^a\.conf:4: a link: @rx pattern is linear/m)
  t.match(out, /^1 file, 3 rules, 4 patterns \(1 bounded\): 0 errors, 0 warnings$/m)
})

void t.test('check warns of what is surely a mistake', async (t) => {
  const text = [
    'SecRuleRemoveById 949110',
    'SecRuleRemoveByTag nosuchtag',
    'SecRule ARGS "@rx a" "id:1,phase:2,pass,ctl:ruleRemoveTargetByTag=othertag;ARGS:x"',
    'SecRule ARGS "@rx a" "id:2,phase:2,pass,ctl:ruleRemoveById=77"',
    'SecRule ARGS "@rx a" "id:3,phase:2,pass,chain,tag:mine"',
    'SecRule ARGS "@noMatch" "t:none"',
    'SecRule ARGS "@rx a" "id:4,phase:2,pass,skipAfter:NOWHERE"',
    'SecAction "id:5,phase:2,pass,nolog,skipAfter:END"',
    'SecRule ARGS "@rx a" "id:6,phase:2,deny"',
    'SecMarker END',
    'SecRule ARGS "@rx a" "id:7,phase:2,deny,ctl:ruleRemoveByTag=mine"',
    'SecAction "id:8,phase:1,deny"',
    'SecRule ARGS "@rx a" "id:9,phase:1,deny"',
    'SecDebugLog /dev/null',
    '',
  ].join('\n')
  const { code, out } = await check(t, text)
  t.equal(code, 0, 'warnings are no errors')
  t.match(out, /^a\.conf: warning: EVALUATION_EXCLUDED: excludes rule 949110/m)
  t.match(out, /^a\.conf:2: warning: UNKNOWN_REFERENCE: SecRuleRemoveByTag: no rule has the tag nosuchtag/m)
  t.match(out, /^a\.conf:3: warning: UNKNOWN_REFERENCE: .*othertag/m)
  t.match(out, /^a\.conf:4: warning: UNKNOWN_REFERENCE: .* id 77/m)
  t.match(out, /^a\.conf:5: warning: UNREACHABLE: the chain never matches: its link at line 6/m)
  t.match(out, /^a\.conf:7: warning: UNREACHABLE: skipAfter:NOWHERE names no marker/m)
  t.match(out, /^a\.conf:9: warning: UNREACHABLE: never runs: the rule at line 8/m)
  t.match(out, /^a\.conf:13: warning: UNREACHABLE: never runs: the rule at line 12/m)
  t.match(out, /^a\.conf:14: warning: NO_EFFECT: SecDebugLog/m)
  t.notMatch(out, /warning:.*\bmine\b|^a\.conf:11: warning/m, 'a tag that there is')
  t.equal((await check(t, text, '--strict')).code, 1)
  const { findings, errors, warnings } = JSON.parse((await check(t, text, '--json')).out) as {
    findings: { severity: string; code: string; line?: number }[]
    errors: number
    warnings: number
  }
  t.equal(errors, 0)
  t.equal(warnings, findings.length)
  t.ok(findings.some(({ code: word, line }) => word === 'UNREACHABLE' && line === 7))
})

void t.test('our own packs are without error and warning', async (t) => {
  const { code, stdout } = await runInProcess(['rules', 'check', 'rules/*.conf', '--strict'])
  t.equal(code, 0, stdout)
  t.match(stdout, /: 0 errors, 0 warnings\n$/)
})

void t.test('list prints what the gateway would run', async (t) => {
  const folder = t.testdir({
    'r.conf': 'SecRule ARGS:q "@streq x" "id:4711,phase:2,deny,severity:ERROR,msg:\'Mine\'"\n',
  })
  const rules = join(folder, 'r.conf')
  const { code, stdout, stderr } = await runInProcess(['rules', 'list', '--rules', rules])
  t.equal(code, 0)
  t.equal(stderr, '')
  t.match(stdout, /^4711 +custom_rules +2 ERROR +Mine +\S+r\.conf:1$/m)
  t.match(stdout, /^9608100 +sql_injection +2 CRITICAL .* rules\/sql-injection\.conf:\d+$/m)
  t.match(stdout, /^9601010 +request +2 WARNING/m, 'base settings are under no phase')
  const json = await runInProcess(['rules', 'list', '--json', '--rules', rules, '--phases', 'custom_rules'])
  const listed = json.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { id: number; file?: string })
  t.same(
    listed.find(({ id }) => id === 4711),
    {
      id: 4711,
      phase: 'custom_rules',
      seclang_phase: 2,
      severity: 'ERROR',
      msg: 'Mine',
      file: listed.find(({ id }) => id === 4711)?.file,
      line: 1,
      tags: [],
    },
  )
  t.notOk(listed.some(({ id }) => id === 9608100))
  t.match(await runInProcess(['rules', 'list', '--phases', 'nope']), { code: 2, stderr: /unknown phase/ })
})

void t.test('explain says what a rule judges and how it is excluded', async (t) => {
  const folder = t.testdir({
    'r.conf':
      '# a comment\nSecRule ARGS|REQUEST_HEADERS:User-Agent "@rx ^a" \\\n  "id:4711,phase:2,deny,t:none,t:lowercase,msg:\'Mine\',tag:here,chain"\n' +
      '  SecRule &ARGS "@gt 3" "setvar:tx.x=1"\n',
  })
  const rules = ['--rules', join(folder, 'r.conf')]
  const { code, stdout } = await runInProcess(['rules', 'explain', '4711', ...rules])
  t.equal(code, 0)
  t.match(stdout, /^rule 4711: Mine$/m)
  t.match(stdout, /custom_rules, seclang phase 2/)
  t.match(stdout, /r\.conf:2$/m)
  t.match(stdout, /looks at +ARGS, REQUEST_HEADERS:User-Agent/)
  t.match(stdout, /matches +@rx \^a/)
  t.match(stdout, /after +lowercase/)
  t.match(stdout, /link 2 of 2\n +looks at +&ARGS\n +matches +@gt 3\n +does +setvar:tx\.x=1/)
  t.match(stdout, /SecRuleUpdateTargetById 4711 "!ARGS:NAME"\n +SecRuleRemoveById 4711/)
  t.match(stdout, /as written:\n +SecRule ARGS\|.*\n.*\n +SecRule &ARGS/)
  t.notMatch(stdout, /a comment/)
  const json = JSON.parse(
    (await runInProcess(['rules', 'explain', '4711', '--json', ...rules])).stdout,
  ) as object
  t.match(json, { id: 4711, role: 'judges', links: { length: 2 } })
  t.match(await runInProcess(['rules', 'explain', '4712']), { code: 1, stderr: /^RULE_NOT_FOUND: / })
  t.match(await runInProcess(['rules', 'explain', 'x']), { code: 2 })
})

void t.test('a Core Rule Set is listed, explained and tested', { skip: noData }, async (t) => {
  const flags = ['--crs', crs, '--phases', 'owasp_crs']
  const listed = await runInProcess(['rules', 'list', ...flags])
  t.equal(listed.stderr, '', 'no warning')
  t.ok(listed.stdout.split('\n').length > 600)
  t.match(listed.stdout, /^942100 +owasp_crs +2 CRITICAL/m)
  t.match((await runInProcess(['rules', 'explain', '949110', ...flags])).stdout, /never exclude it/)
  const file = join(crs, 'tests', 'REQUEST-942-APPLICATION-ATTACK-SQLI', '942130.yaml')
  const count = readFileSync(file, 'utf8').match(/^ {2}- test_id:/gm)?.length ?? 0
  t.ok(count > 5)
  const tested = await runInProcess(['rules', 'test', '--crs', crs, file])
  t.strictSame(tested, { code: 0, stdout: `${count} of ${count} tests passed\n`, stderr: '' })
  const wrong = join(
    t.testdir({
      'x.yaml':
        'rule_id: 942100\ntests:\n  - test_id: 1\n    stages:\n      - input: {uri: /, headers: {Host: a}}\n        output: {log: {expect_ids: [942100]}}\n',
    }),
    'x.yaml',
  )
  t.match(await runInProcess(['rules', 'test', '--crs', crs, wrong]), {
    code: 1,
    stdout: /^not passed: 942100-1: not seen: 942100.*\n0 of 1 tests passed\n$/,
  })
})
