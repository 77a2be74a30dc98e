import t from 'tap'
import { SecLangError } from '../../../detectors/seclang/errors.js'
import type { RuleSourceInput } from '../../../detectors/seclang/index.js'
import type { Mode, PhaseName } from '../../../detectors/verdict.js'
import { compile, form, judge, memoryFiles, transaction } from './profile.js'

function source(label: PhaseName, text: string, set?: string): RuleSourceInput {
  return { file: `/rules/${label}.conf`, text, label, ...(set === undefined ? {} : { set }) }
}

const ATTACK = { target: '/?a=evil' }

t.test('inside a seclang phase the product phases keep their order', (t) => {
  const ruleSet = compile([
    source('custom_rules', 'SecAction "id:12,phase:1,pass"\nSecAction "id:13,phase:2,pass"'),
    source('sql_injection', 'SecAction "id:8,phase:2,pass"\nSecAction "id:9,phase:1,pass"'),
    source('owasp_crs', 'SecAction "id:14,phase:1,pass"'),
  ])
  t.same(judge(ruleSet).ids, [9, 12, 14, 8, 13])
  t.same(
    [...ruleSet.rules.values()].map(({ id, phase, seclangPhase, file, line }) => [
      id,
      phase,
      seclangPhase,
      file,
      line,
    ]),
    [
      [8, 'sql_injection', 2, '/rules/sql_injection.conf', 1],
      [9, 'sql_injection', 1, '/rules/sql_injection.conf', 2],
      [12, 'custom_rules', 1, '/rules/custom_rules.conf', 1],
      [13, 'custom_rules', 2, '/rules/custom_rules.conf', 2],
      [14, 'owasp_crs', 1, '/rules/owasp_crs.conf', 1],
    ],
  )
  t.end()
})

t.test('defaults and markers reach no further than their set', (t) => {
  const ruleSet = compile([
    source(
      'sql_injection',
      'SecDefaultAction "phase:1,deny,status:409"\nSecAction "id:1,phase:1,pass,skipAfter:END"',
    ),
    source('xss', 'SecAction "id:2,phase:1,block"\nSecMarker END\nSecAction "id:3,phase:1,pass"'),
  ])
  const { ids, interruption } = judge(ruleSet)
  t.same(ids, [1, 2, 3])
  t.equal(interruption, undefined)
  const together = compile([
    source('sql_injection', 'SecDefaultAction "phase:1,deny,status:409"', 'packs'),
    source('xss', 'SecAction "id:2,phase:1,block"', 'packs'),
  ])
  t.equal(judge(together).interruption?.status, 409)
  t.end()
})

t.test('Core Rule Set rules among the own files carry its label and keep their place', (t) => {
  const ruleSet = compile(
    `SecAction "id:1,phase:1,pass"
    SecAction "id:2,phase:1,pass,ver:'OWASP_CRS/4.29.0'"
    SecAction "id:3,phase:1,deny"`,
    { modes: new Map<PhaseName, Mode>([['owasp_crs', 'detect']]) },
  )
  t.same(
    [...ruleSet.rules.values()].map(({ id, phase }) => [id, phase]),
    [
      [1, 'custom_rules'],
      [2, 'owasp_crs'],
      [3, 'custom_rules'],
    ],
  )
  t.same(judge(ruleSet).ids, [1, 2, 3])
  t.end()
})

t.test('the weakest of site, phase and engine decides', (t) => {
  const modes = (mode: Mode): ReadonlyMap<PhaseName, Mode> => new Map([['custom_rules', mode]])
  const cases: readonly (readonly [site: Mode, phase: Mode, engine: string, expected: Mode])[] = [
    ['block', 'block', 'On', 'block'],
    ['detect', 'block', 'On', 'detect'],
    ['block', 'detect', 'On', 'detect'],
    ['block', 'block', 'DetectionOnly', 'detect'],
    ['block', 'off', 'On', 'off'],
    ['off', 'block', 'On', 'off'],
    ['detect', 'detect', 'Off', 'off'],
  ]
  for (const [siteMode, phase, engine, expected] of cases) {
    const rules = `SecRuleEngine ${engine}\nSecRule ARGS "@streq evil" "id:1,phase:1,deny"`
    const { evaluation, interruption, ids } = judge(compile(rules, { siteMode, modes: modes(phase) }), ATTACK)
    const name = `${siteMode} ${phase} ${engine}`
    t.equal(interruption?.mode, expected === 'block' ? 'block' : undefined, name)
    t.equal(evaluation.wouldBe?.mode, expected === 'detect' ? 'detect' : undefined, name)
    t.same(ids, expected === 'off' ? [] : [1], name)
  }
  t.end()
})

t.test('base rules come first and run whatever phases are on', (t) => {
  const sources: readonly RuleSourceInput[] = [
    source('sql_injection', 'SecAction "id:2,phase:1,pass"'),
    { ...source('custom_rules', 'SecRuleEngine On\nSecAction "id:1,phase:1,pass"'), base: true },
    { file: '/own.conf', label: 'custom_rules', text: 'SecAction "id:3,phase:1,pass"' },
  ]
  const modes = new Map<PhaseName, Mode>([['custom_rules', 'off']])
  t.same(judge(compile(sources)).ids, [1, 2, 3])
  t.same(judge(compile(sources, { modes })).ids, [1, 2])
  t.end()
})

t.test('a duplicate id names both places, also across sources', (t) => {
  t.throws(
    () => compile([source('xss', '\nSecAction "id:5,pass"'), source('rce', 'SecAction "id:5,pass"')]),
    new SecLangError('SECLANG_DUPLICATE_ID', 'rule 5 is already defined at /rules/xss.conf:2', {
      file: '/rules/rce.conf',
      line: 1,
    }),
  )
  t.end()
})

t.test('directives change rules that stand anywhere', (t) => {
  const rules = `SecRule ARGS "@streq evil" "id:1,phase:1,pass,tag:attack-x,msg:'first one'"
    SecRule ARGS "@streq evil" "id:2,phase:1,pass,tag:attack-y,msg:'second one'"
    SecRule ARGS "@streq evil" "id:3,phase:1,deny,status:409"
    `
  const cases: readonly (readonly [directive: string, ids: readonly number[], status?: number])[] = [
    ['SecRuleRemoveById 1 3', [2]],
    ['SecRuleRemoveById "2-3"', [1]],
    ['SecRuleRemoveByTag "attack-[xz]"', [2, 3], 409],
    ['SecRuleRemoveByMsg "second"', [1, 3], 409],
    ['SecRuleUpdateTargetById 1 "!ARGS:a"', [2, 3], 409],
    ['SecRuleUpdateTargetById 1-3 "!ARGS:/^A/"', []],
    ['SecRuleUpdateTargetById 1 "!ARGS:b"', [1, 2, 3], 409],
    ['SecRuleUpdateTargetById 1 "REQUEST_METHOD" "ARGS"', [2, 3], 409],
    ['SecRuleUpdateTargetByTag "attack-y" "!ARGS"', [1, 3], 409],
    ['SecRuleUpdateTargetByMsg "first" "!ARGS"', [2, 3], 409],
    ['SecRuleUpdateActionById 3 "pass"', [1, 2, 3]],
    ['SecRuleUpdateActionById 3 "status:410"', [1, 2, 3], 410],
    ['SecRuleUpdateActionById 1 "deny,status:411"', [1], 411],
  ]
  for (const [directive, expected, status] of cases) {
    for (const text of [rules + directive, `${directive}\n${rules}`]) {
      const { ids, interruption } = judge(compile(text), ATTACK)
      t.same(ids, expected, directive)
      t.equal(interruption?.status, status, directive)
    }
  }
  t.match(
    (() => {
      try {
        return compile('SecAction "id:1,pass"\nSecRuleUpdateActionById 1:2 "pass"')
      } catch (error) {
        return error
      }
    })(),
    { code: 'SECLANG_BAD_ARGUMENT', position: { line: 2 } },
  )
  t.end()
})

t.test('a match tells its story', (t) => {
  const rules = `SecRule ARGS:/^a/ "@rx (ev)il" "id:7,phase:2,deny,capture,severity:CRITICAL,tag:'one',tag:'%{REQUEST_METHOD}',\\
    msg:'%{rule.id} in %{MATCHED_VAR_NAME}',logdata:'%{TX.1} of %{MATCHED_VAR}',t:lowercase"`
  const { interruption } = judge(compile(`\n${rules}`), { target: '/?abc=EVIL' })
  t.same(interruption, {
    action: 'block',
    status: 403,
    match: {
      id: 7,
      seclangPhase: 2,
      phase: 'custom_rules',
      severity: 2,
      msg: '7 in ARGS:abc',
      data: 'ev of evil',
      variable: 'ARGS:abc',
      sample: 'evil',
      found: [
        { offset: 0, length: 4 },
        { offset: 0, length: 2 },
      ],
      source: [{ part: 'line', offset: 10, length: 4 }],
      tags: ['one', 'GET'],
      logged: true,
      file: '/rules/test.conf',
      line: 2,
    },
    label: 'custom_rules',
    mode: 'block',
  })
  t.end()
})

t.test('each value that matches is a match of its own; nolog keeps it from the log', (t) => {
  const { evaluation } = judge(
    compile('SecRule ARGS "@rx ." "id:1,phase:1,pass,nolog"\nSecRule ARGS "@rx ." "id:2,phase:1,pass"'),
    { target: '/?a=1&b=2' },
  )
  t.same(
    evaluation.matches.map(({ id, variable, logged }) => [id, variable, logged]),
    [
      [1, 'ARGS:a', false],
      [1, 'ARGS:b', false],
      [2, 'ARGS:a', true],
      [2, 'ARGS:b', true],
    ],
  )
  t.end()
})

t.test('matches are bounded, and say so', (t) => {
  const target = `/?${Array.from({ length: 900 }, (_, n) => `a${n}=1`).join('&')}`
  const rules = 'SecRule ARGS "@rx ." "id:1,phase:1,pass"\nSecRule ARGS "@rx ." "id:2,phase:1,deny"'
  const { evaluation, tx, interruption } = judge(compile(rules), { target })
  t.equal(evaluation.matches.length, 1000)
  t.same(tx.truncated, ['rule_matches'])
  t.equal(interruption?.match.id, 2)
  t.end()
})

t.test('a macro that grows is cut, and says so', (t) => {
  const doubling = Array.from(
    { length: 30 },
    (_, n) => `SecAction "id:${n + 1},phase:1,pass,setvar:'tx.a=%{tx.a}%{tx.a}xxxxxxxx'"`,
  ).join('\n')
  const { tx, evaluation } = judge(compile(doubling))
  t.same(tx.truncated, ['macro'])
  t.equal(evaluation.state.txVariables.get('a')?.length, 1024 * 1024)
  t.end()
})

t.test('the score is what the packs or the Core Rule Set counted', (t) => {
  const score = (name: string): number =>
    judge(compile(`SecAction "id:1,phase:1,pass,setvar:tx.${name}=+7"`)).evaluation.score
  t.equal(score('portcullis_score'), 7)
  t.equal(score('blocking_inbound_anomaly_score'), 7)
  t.equal(score('other'), 0)
  t.end()
})

t.test('wants says which bodies are needed', (t) => {
  const body = 'SecRule ARGS "x" "id:1,phase:2,pass"\n'
  const reply = 'SecRule RESPONSE_BODY "x" "id:2,phase:4,pass"\n'
  t.same(compile('').wants(), { requestBody: false, responseBody: false })
  t.same(compile(body).wants(), { requestBody: true, responseBody: false })
  t.same(compile(`${body}SecRequestBodyAccess Off`).wants(), { requestBody: false, responseBody: false })
  t.same(compile(`${reply}SecResponseBodyAccess On`).wants(), { requestBody: true, responseBody: true })
  t.same(compile(`${body}SecResponseBodyAccess On`).wants(), { requestBody: true, responseBody: false })

  const ruleSet = compile(
    `${reply}SecResponseBodyAccess On\nSecResponseBodyMimeType text/html application/json\nSecResponseBodyMimeType text/xml`,
  )
  t.same(ruleSet.settings.responseMimeTypes, ['text/html', 'application/json', 'text/xml'])
  for (const [type, wanted] of [
    ['text/html; charset=utf-8', true],
    ['APPLICATION/JSON', true],
    ['image/png', false],
    ['text/event-stream', false],
  ] as const) {
    const tx = transaction()
    const evaluation = ruleSet.begin(tx)
    tx.setResponse({ status: 200, headers: [['content-type', type]] })
    t.equal(evaluation.wantsResponseBody, wanted, type)
  }
  t.end()
})

t.test('limits from directives are there to read', (t) => {
  const { settings } = compile(`SecRequestBodyLimit 13107200
    SecRequestBodyNoFilesLimit 131072
    SecRequestBodyLimitAction ProcessPartial
    SecResponseBodyLimit 524288
    SecResponseBodyLimitAction Reject
    SecArgumentsLimit 500
    SecRequestBodyJsonDepthLimit 64
    SecWebAppId shop
    SecAuditEngine RelevantOnly`)
  t.match(settings, {
    requestBodyLimit: 13107200,
    requestBodyNoFilesLimit: 131072,
    requestBodyLimitAction: 'process_partial',
    responseBodyLimit: 524288,
    responseBodyLimitAction: 'reject',
    argumentsLimit: 500,
    jsonDepthLimit: 64,
    webAppId: 'shop',
    auditEngine: 'relevant_only',
  })
  t.end()
})

t.test('directives answered elsewhere warn with their place', (t) => {
  const warnings: string[] = []
  compile('SecAuditLog /var/log/x\nSecPcreMatchLimit 1000\nSecAction "id:1,pass,msg:\'%{no_such}\'"', {
    warnings,
  })
  t.same(warnings, [
    '/rules/test.conf:1: SecAuditLog has no effect here: the audit log is set with --audit-log',
    '/rules/test.conf:2: SecPcreMatchLimit has no effect here: patterns are bounded when they are loaded',
    '/rules/test.conf:3: %{no_such} names no variable and expands to nothing',
  ])
  t.end()
})

t.test('persistent collections outlive a transaction and expire', (t) => {
  let now = 1_000_000
  const ports = { clock: { now: () => now } }
  const ruleSet =
    compile(`SecAction "id:1,phase:1,pass,initcol:ip=%{REMOTE_ADDR},setvar:ip.n=+1,expirevar:ip.n=60"
    SecRule IP:n "@ge 3" "id:2,phase:1,deny,status:429"
    SecAction "id:3,phase:1,pass,setvar:global.total=+1,setvar:session.n=+1"`)
  const client = '192.0.2.1'
  t.same(judge(ruleSet, { client }, { ports }).ids, [1, 3])
  t.same(judge(ruleSet, { client }, { ports }).ids, [1, 3])
  t.same(judge(ruleSet, { client: '192.0.2.2' }, { ports }).ids, [1, 3], 'another client has its own record')
  t.same(judge(ruleSet, { client }, { ports }).ids, [1, 2])
  now += 61_000
  const { ids, evaluation } = judge(ruleSet, { client }, { ports })
  t.same(ids, [1, 3], 'the count has expired')
  t.equal(evaluation.state.opened.get('GLOBAL')?.values.get('total'), '4')
  t.equal(evaluation.state.opened.get('SESSION')?.values.get('n'), '1', 'without setsid nothing is shared')
  t.end()
})

t.test('a record that nobody opens is forgotten', (t) => {
  let now = 1_000_000
  const ports = { clock: { now: () => now } }
  const ruleSet = compile(`SecCollectionTimeout 10
    SecAction "id:1,phase:1,pass,initcol:ip=x,setvar:ip.n=+1"
    SecRule IP:n "@eq 2" "id:2,phase:1,pass"`)
  t.same(judge(ruleSet, {}, { ports }).ids, [1])
  now += 9_000
  t.same(judge(ruleSet, {}, { ports }).ids, [1, 2])
  now += 11_000
  t.same(judge(ruleSet, {}, { ports }).ids, [1])
  t.end()
})

t.test('a redirect carries its expanded target', (t) => {
  const { interruption } = judge(
    compile(`SecRule ARGS:a "@rx ." "id:1,phase:1,redirect:'https://x.example/?was=%{MATCHED_VAR}'"`),
    ATTACK,
  )
  t.equal(interruption?.location, 'https://x.example/?was=evil')
  t.end()
})

t.test('a value is transformed once for each chain', (t) => {
  const rules = Array.from(
    { length: 50 },
    (_, n) => `SecRule ARGS "@streq never" "id:${n + 1},phase:2,pass,t:none,t:urlDecodeUni,t:lowercase"`,
  ).join('\n')
  const seen: unknown[] = []
  const { tx } = judge(compile(rules), form('a=%2541'), {
    trace: { target: (_rule, link) => void seen.push(link.transformations) },
  })
  t.equal(new Set(seen).size, 1, 'all rules share one chain')
  t.same(tx.truncated, [])
  t.end()
})

t.test('further rules run before the others and share their transformations and collections', (t) => {
  const first = compile(
    'SecRule ARGS "@contains EVIL" "id:1,phase:2,pass,t:none,t:uppercase,t:removeWhitespace"\nSecAction "id:2,phase:2,pass"',
  )
  const options = {
    files: memoryFiles(),
    modes: new Map<PhaseName, Mode>(),
    siteMode: 'block',
    warn: () => undefined,
  } as const
  const rules = 'SecRule ARGS "@contains evil" "id:7,phase:2,pass,t:none,t:lowercase,t:removeWhitespace"'
  const both = first.precededBy([source('custom_rules', rules, 'further')], options)
  t.same(
    judge(both, { target: '/?a=e%20vil' }).ids,
    [7, 1, 2],
    'each sees the value as its own transformations leave it',
  )
  t.same(judge(first, ATTACK).ids, [1, 2], 'the set that it was made from stays as it was')
  t.same([...both.rules.keys()], [7, 1, 2])
  t.throws(() => both.precededBy([source('custom_rules', rules, 'further')], options), { name: 'RangeError' })
  t.end()
})
