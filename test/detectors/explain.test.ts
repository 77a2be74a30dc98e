import t from 'tap'
import fc from 'fast-check'

import type { DetectionConfigInput } from '../../detectors/config.js'
import { EXCLUSION_IDS, writeExclusion } from '../../detectors/exclusion.js'
import { type ExplainedRecord, explainVerdict } from '../../detectors/explain.js'
import { nodeRuleFiles } from '../../gateway/rule-files.js'
import { maskMatch, maskUri } from '../../detectors/mask.js'
import type { PipelineDeps } from '../../detectors/pipeline.js'
import { Site, type TestRequest } from './site.js'

/** The record that a gateway keeps of a request. */
function recordOf(site: Site, request: TestRequest, mask: 'secrets' | 'none' = 'secrets'): ExplainedRecord {
  const { verdict, matches } = site.judge(request)
  const logged = matches.filter((match) => match.logged).map((match) => maskMatch(match, mask))
  return {
    request_id: '0190a5b4-7c1e-7f00-8000-1234567890ab',
    client: '192.0.2.1',
    request: {
      method: request.method ?? (request.body === undefined ? 'GET' : 'POST'),
      uri: maskUri(request.target ?? '/', mask),
      host: 'www.example.com',
    },
    verdict,
    reason: verdict.reason,
    rules: logged.map(({ id, seclangPhase, severity, msg, data, variable, sample, tags }) => ({
      id,
      seclang_phase: seclangPhase,
      severity: severity ?? null,
      msg,
      data,
      variable,
      sample,
      tags,
    })),
    origins: logged.map(({ phase, file, line }) => ({
      phase,
      ...(file === undefined ? {} : { file }),
      ...(line === undefined ? {} : { line }),
    })),
  }
}

const withExclusion = (seclang: string, deps: Partial<PipelineDeps> = {}) =>
  new Site({ exclusions: ['/exclusion.conf'] }, { '/exclusion.conf': seclang }, deps)

/** One pack only, where many sites are made. */
const SQL_ONLY = { only: ['sql_injection'] } as const
const plain = new Site()

const ATTACK = "1' UNION SELECT 1,2--"
const encoded = encodeURIComponent(ATTACK)

t.test('an explanation names rule, variable, sample, mode and score', async (t) => {
  const site = plain
  const { deciding, rules, lines, advice } = explainVerdict(
    recordOf(site, { target: `/items?id=${encoded}` }),
    site.pipeline.rules,
  )
  t.match(deciding, {
    variable: 'ARGS:id',
    role: 'scoring',
    phase: 'sql_injection',
    file: /sql-injection\.conf$/,
  })
  t.match(deciding?.operator, /^@/)
  t.equal(rules.find(({ id }) => id === 9_608_900)?.role, 'bookkeeping')
  const text = lines.join('\n')
  t.match(text, /variable {2}ARGS:id/)
  t.match(text, /mode block, score \d+/)
  t.match(advice.join('\n'), /Never exclude 9608900/)
})

t.test('the exclusion lets the request pass, and nothing else', async (t) => {
  const site = plain
  const target = `/items?id=${encoded}`
  const { exclusion } = explainVerdict(recordOf(site, { target }))
  t.match(exclusion, /SecRule REQUEST_FILENAME "@streq \/items"/)
  t.match(exclusion, /ctl:ruleRemoveTargetById=\d+;ARGS:id/)
  const excluded = withExclusion(exclusion)
  t.same(excluded.warnings, [])
  t.equal(excluded.judge({ target }).verdict.action, 'allow')
  for (const other of [
    { target: `/items?q=${encoded}` },
    { target: `/items?id2=${encoded}` },
    { target: `/items/?id=${encoded}` },
    { target: `/other?id=${encoded}` },
    { target, method: 'POST' },
    { target: '/items', headers: [['Cookie', `id=${encoded}`] as const] },
    { target: '/items?id=%3Cscript%3Ealert(1)%3C/script%3E' },
  ]) {
    t.equal(excluded.judge(other).verdict.action, 'block', JSON.stringify(other))
  }
})

t.test('names that hold anything are escaped, and no other name is let in', async (t) => {
  const names = [
    'a b',
    'a"b',
    "a'b",
    'a,b',
    'a;b',
    'a|b',
    'a\\',
    'a/b',
    '/.*/',
    'a%{tx.1}',
    'a\r\nSecRuleEngine Off\r\n#',
    'a"\nSecAction "id:1,phase:1,allow"',
    'é',
    '[]',
    'x',
    'ctl:ruleEngine=Off',
    '…',
    ' ',
    '*',
    'a,ctl:ruleEngine=Off',
  ]
  for (const name of names) {
    const target = `/items?${encodeURIComponent(name)}=${encoded}`
    const { exclusion } = explainVerdict(recordOf(plain, { target }, 'none'))
    const site = withExclusion(exclusion, SQL_ONLY)
    t.equal(site.judge({ target }).verdict.action, 'allow', JSON.stringify(name))
    t.equal(site.judge({ target: `/items?zz=${encoded}` }).verdict.action, 'block')
    t.equal(site.judge({ target: `/items?${encodeURIComponent(name)}.=${encoded}` }).verdict.action, 'block')
  }
})

t.test('any name and path gives an exclusion that loads and is narrow', async () => {
  const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 })
  fc.assert(
    fc.property(text, text, (name, path) => {
      const bytes = (value: string): string => Buffer.from(value).toString('latin1')
      const { seclang } = writeExclusion(
        { method: 'GET', path: `/${bytes(path)}` },
        [{ rule: 9_608_110, variable: `ARGS:${bytes(name)}` }],
        bytes(name),
      )
      const lines = seclang.split('\n')
      const site = withExclusion(seclang, SQL_ONLY)
      const own = [...site.pipeline.rules.keys()].filter((id) => id >= EXCLUSION_IDS.from)
      return (
        own.length === 1 &&
        lines.filter((line) => /^\s*Sec/.test(line)).length === 2 &&
        /^[\x20-\x7e\n]*$/.test(seclang)
      )
    }),
    { numRuns: 15 },
  )
})

t.test('every kind of place can be excluded', async (t) => {
  const requests: TestRequest[] = [
    { target: '/%66iles/..%2F..%2Fetc%2Fpasswd' },
    { target: '/a', headers: [['Cookie', `pref=${encoded}`]] },
    { target: '/a', headers: [['X-Note', ATTACK]] },
    {
      target: '/a',
      headers: [['Content-Type', 'application/json']],
      body: JSON.stringify({ a: [{ 'b c': ATTACK }] }),
    },
    { target: '/a', headers: [['Content-Type', 'application/json']], body: JSON.stringify({ [ATTACK]: 1 }) },
    { target: '/a', headers: [['Content-Type', 'application/xml']], body: `<a><b>${ATTACK}</b></a>` },
    { target: '/a', headers: [['User-Agent', 'sqlmap/1.8']] },
    {
      target: '/comment',
      headers: [['Content-Type', 'application/x-www-form-urlencoded']],
      body: 'text=%3Cscript%3Ealert(1)%3C%2Fscript%3E',
    },
  ]
  for (const request of requests) {
    let config: DetectionConfigInput = {}
    const files: Record<string, string> = {}
    let site = plain
    t.equal(site.judge(request).verdict.action, 'block')
    // A later phase may object next: each is explained in its turn, as an operator would do it.
    for (let turn = 0; turn < 4 && site.judge(request).verdict.action === 'block'; turn++) {
      const file = `/exclusion-${turn}.conf`
      files[file] = explainVerdict(recordOf(site, request)).exclusion
      config = { exclusions: [...(config.exclusions ?? []), file] }
      site = new Site(config, files)
    }
    t.equal(site.judge(request).verdict.action, 'allow', JSON.stringify(request))
    t.equal(site.judge({ target: `/?q=${encoded}` }).verdict.action, 'block')
  }
})

t.test('in mode detect every phase that objected is excluded at once', async (t) => {
  const request = { target: '/a?x=;cat%20/etc/passwd' }
  const { exclusion, advice } = explainVerdict(recordOf(new Site({ mode: 'detect' }), request))
  t.notMatch(advice.join(), /come later/)
  t.equal(withExclusion(exclusion).judge(request).verdict.action, 'allow')
})

t.test('a masked secret in the path widens its segment only', async (t) => {
  const token = 'aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY'
  const request = { target: `/reset/${token}/form?id=${encoded}` }
  const record = recordOf(plain, request)
  t.notMatch(record.request.uri, token)
  const { exclusion, advice } = explainVerdict(record)
  t.match(advice.join(), /masked/)
  const site = withExclusion(exclusion)
  t.equal(site.judge(request).verdict.action, 'allow')
  t.equal(site.judge({ target: `/reset/x/y/form?id=${encoded}` }).verdict.action, 'block')
})

t.test("an operator's own rule can be explained too, with or without a target", async (t) => {
  const files = {
    '/r.conf':
      'SecRule ARGS:a "@rx x" "id:10,phase:2,deny,log,msg:\'no x\'"\nSecAction "id:11,phase:2,pass,nolog"\n',
  }
  const site = new Site({ rules: ['/r.conf'] }, files)
  const { exclusion } = explainVerdict(recordOf(site, { target: '/?a=x' }))
  t.match(exclusion, /ruleRemoveTargetById=10;ARGS:a/)
  const { seclang, warnings } = writeExclusion({ method: 'M-SEARCH', path: '/' }, [
    { rule: 11, variable: '' },
  ])
  t.match(seclang, /ruleRemoveById=11/)
  t.equal(warnings.length, 1)
})

t.test('a Core Rule Set runs under its own name, and the rule that scored is excluded', async (t) => {
  const data = process.env['PORTCULLIS_TEST_DATA']
  if (data === undefined) return t.plan(0, 'skipped: no data')
  const all = {
    '/crs.conf': `Include ${data}/crs/crs-setup.conf.example\nInclude ${data}/crs/rules/*.conf\n`,
  }
  const files = (extra: Readonly<Record<string, string>>) => ({
    read: (path: string) => extra[path] ?? nodeRuleFiles.read(path),
    expand: (pattern: string) => (pattern in extra ? [pattern] : nodeRuleFiles.expand(pattern)),
  })
  const only = ['custom_rules'] as const
  const site = new Site({ rules: ['/crs.conf'] }, {}, { only, files: files(all) })
  t.same(site.warnings, [])
  const request = { target: `/items?id=${encoded}`, headers: [['Accept', '*/*'] as const] }
  const record = recordOf(site, request)
  t.match(record.verdict, { action: 'block', phase: 'owasp_crs', rule: 942_100 })
  const { exclusion, advice, rules } = explainVerdict(record)
  t.equal(rules.find(({ id }) => id === 949_110)?.role, 'bookkeeping')
  t.notMatch(exclusion, /949110/)
  t.match(advice.join(), /Never exclude 949110/)
  const excluded = new Site(
    { rules: ['/crs.conf'], exclusions: ['/x.conf'] },
    {},
    { only, files: files({ ...all, '/x.conf': exclusion }) },
  )
  t.equal(excluded.judge(request).verdict.action, 'allow')
  t.equal(excluded.judge({ ...request, target: `/items?q=${encoded}` }).verdict.action, 'block')
})

t.test('evaluation rules are never excluded', async (t) => {
  for (const rule of [949_110, 959_100, 980_170, 9_608_900]) {
    t.throws(() => writeExclusion({ method: 'GET', path: '/' }, [{ rule, variable: 'TX:x' }]), {
      code: 'DETECTOR_EXCLUSION_REFUSED',
    })
  }
  const record: ExplainedRecord = {
    request_id: 'x',
    client: '192.0.2.1',
    request: { method: 'GET', uri: '/', host: 'h' },
    verdict: {
      action: 'block',
      mode: 'block',
      phase: 'owasp_crs',
      rule: 949_110,
      status: 403,
      score: 5,
      truncated: [],
    },
    rules: [
      {
        id: 949_110,
        seclang_phase: 2,
        severity: 0,
        msg: 'm',
        data: '',
        variable: 'TX:BLOCKING_INBOUND_ANOMALY_SCORE',
        sample: '5',
        tags: [],
      },
    ],
    origins: [{ phase: 'owasp_crs' }],
  }
  t.equal(explainVerdict(record).exclusion, '')
})

t.test('policies and limits are explained by their settings', async (t) => {
  const site = new Site({ phases: { ip_block: { addresses: ['192.0.2.1'] } } })
  const { exclusion, advice } = explainVerdict(recordOf(site, {}))
  t.equal(exclusion, '')
  t.match(advice.join(), /detection\.phases\.ip_block/)
})

t.test('what a client sent cannot reach the terminal raw', async (t) => {
  const record = recordOf(
    plain,
    { target: `/?id=${encodeURIComponent(`${ATTACK}\u001b[2J\n`)}`, method: 'GET' },
    'none',
  )
  for (const line of explainVerdict(record).lines) t.match(line, /^[\x20-\x7e]*$/)
})
