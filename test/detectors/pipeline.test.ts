import t from 'tap'

import { detectionConfig } from '../../detectors/config.js'
import { MemoryCounterStore } from '../../detectors/memory-counters.js'
import { createPipeline } from '../../detectors/pipeline.js'
import { Site, ruleFiles } from './site.js'

const attack = { target: "/?id=1'%20UNION%20SELECT%201,2--" }

t.test('a block names phase, rule, score and reason', async (t) => {
  const { verdict, matches } = new Site().judge(attack)
  t.match(verdict, { action: 'block', status: 403, mode: 'block', phase: 'sql_injection', truncated: [] })
  t.ok(verdict.score >= 5)
  const match = matches.find(({ id }) => id === verdict.rule)
  t.match(match, { variable: 'ARGS:id', logged: true, phase: 'sql_injection', msg: verdict.reason })
})

t.test('the weaker of site, phase and engine decides', async (t) => {
  const would = {
    action: 'log',
    status: 0,
    mode: 'detect',
    phase: 'sql_injection',
    would: { action: 'block', status: 403 },
  }
  t.match(new Site({ mode: 'detect' }).judge(attack).verdict, would)
  t.match(new Site({ phases: { sql_injection: { mode: 'detect' } } }).judge(attack).verdict, would)
  t.match(
    new Site({ mode: 'detect', phases: { sql_injection: { mode: 'block' } } }).judge(attack).verdict,
    would,
  )
  const files = { '/r.conf': 'SecRuleEngine DetectionOnly\n' }
  t.match(new Site({ rules: ['/r.conf'] }, files).judge(attack).verdict, would)
  const ctl = {
    '/r.conf': 'SecRule ARGS_GET:id "@rx ." "id:1,phase:1,pass,nolog,ctl:ruleEngine=DetectionOnly"\n',
  }
  t.match(new Site({ rules: ['/r.conf'] }, ctl).judge(attack).verdict, would)
  t.match(new Site({ phases: { sql_injection: { mode: 'off' } } }).judge(attack).verdict, { action: 'allow' })
  t.match(new Site({ phases: { xss: { mode: 'off' } } }).judge(attack).verdict, { action: 'block' })
})

t.test('in mode detect the site sees a plain request as allowed', async (t) => {
  t.match(new Site({ mode: 'detect' }).judge({ target: '/?q=hello' }).verdict, {
    action: 'allow',
    mode: 'detect',
  })
})

t.test('what a client phase would do does not stop the others', async (t) => {
  const site = new Site({ phases: { ip_block: { mode: 'detect', addresses: ['192.0.2.1'] } } })
  t.match(site.judge({}).verdict, {
    action: 'log',
    phase: 'ip_block',
    would: { action: 'block', status: 403 },
  })
  const both = site.judge(attack)
  t.match(both.verdict, { action: 'block', phase: 'sql_injection' })
  t.ok(both.matches.some(({ id }) => id === 9_600_002))
})

t.test('a trusted client leaves the pipeline and stays in the log', async (t) => {
  const site = new Site({
    phases: { ip_allow: { addresses: ['192.0.2.0/24'] }, ip_block: { addresses: ['192.0.2.1'] } },
  })
  const { verdict, matches } = site.judge(attack)
  t.match(verdict, { action: 'allow', status: 0, phase: 'ip_allow', rule: 9_600_001 })
  t.match(matches, [{ id: 9_600_001, logged: true }])
  t.match(site.judge({ ...attack, address: '198.51.100.1' }).verdict, { action: 'block' })
  const inspection = site.inspect(attack)
  inspection.client()
  t.equal(inspection.wantsRequestBody, false)
  t.equal(inspection.wantsResponseBody, false)
})

t.test('a trusted path skips content phases, never client ones', async (t) => {
  const phases = { url_allow: { paths: ['/assets/*'] } }
  const target = "/assets/x.js?id=1'%20UNION%20SELECT%201,2--"
  const site = new Site({ phases })
  t.match(site.judge({ target }).verdict, { action: 'allow', phase: 'url_allow' })
  t.match(site.judge({ target: target.replace('/x.js', '/..%2fx.js') }).verdict, { action: 'block' })
  t.match(
    new Site({ phases: { ...phases, ip_block: { addresses: ['192.0.2.1'] } } }).judge({ target }).verdict,
    {
      action: 'block',
      phase: 'ip_block',
    },
  )
  const limits = [{ requests: 1, per: 60 }]
  const limited = new Site({ phases: { ...phases, rate_limit: { limits } } })
  t.match(limited.judge({ target: '/assets/a' }).verdict, { action: 'allow' })
  t.match(limited.judge({ target: '/assets/a' }).verdict, {
    action: 'block',
    status: 429,
    phase: 'rate_limit',
    retryAfter: 60,
  })
})

t.test('client phases run in the order of the pipeline', async (t) => {
  const geo = { lookup: () => ({ country: 'XX' }) }
  const ports = { clock: { now: () => 0 }, counters: new MemoryCounterStore(), geo }
  const site = new Site(
    {
      phases: {
        geoip: { deny_countries: ['XX'] },
        url_block: { paths: ['/forbidden'] },
        rate_limit: { limits: [{ requests: 1, per: 1000 }] },
      },
    },
    {},
    { ports },
  )
  t.match(site.judge({ target: '/forbidden' }).verdict, { phase: 'url_block' })
  t.match(site.judge({}).verdict, { phase: 'geoip' })
  t.same(site.pipeline.phases, [
    'url_block',
    'geoip',
    'rate_limit',
    'scanner',
    'sql_injection',
    'xss',
    'rce',
    'traversal',
    'custom_rules',
    'owasp_crs',
  ])
})

t.test("the operator's rules block, redirect, drop and look at responses", async (t) => {
  const files = {
    '/r.conf': [
      'SecRule ARGS:a "@streq block" "id:1,phase:1,deny,status:418,log,msg:\'teapot\'"',
      'SecRule ARGS:a "@streq go" "id:2,phase:1,redirect:https://example.com/x,log"',
      'SecRule ARGS:a "@streq drop" "id:3,phase:2,drop,log"',
      'SecRule RESPONSE_HEADERS:X-Secret "@rx ." "id:4,phase:3,deny,log"',
      'SecResponseBodyAccess On',
      'SecRule RESPONSE_BODY "@contains secret" "id:5,phase:4,deny,status:502,log"',
      'SecRule REQUEST_METHOD "@streq GET" "id:6,phase:5,pass,log,msg:\'seen\'"',
    ].join('\n'),
  }
  const site = new Site({ rules: ['/r.conf'] }, files)
  t.match(site.judge({ target: '/?a=block' }).verdict, {
    action: 'block',
    status: 418,
    phase: 'custom_rules',
    rule: 1,
    reason: 'teapot',
  })
  t.match(site.judge({ target: '/?a=go' }).verdict, {
    action: 'redirect',
    status: 302,
    location: 'https://example.com/x',
  })
  t.match(site.judge({ target: '/?a=drop' }).verdict, { action: 'drop', status: 0 })

  const run = (headers: readonly (readonly [string, string])[], body: string) => {
    const inspection = site.inspect({})
    inspection.client()
    inspection.requestHeaders()
    t.equal(inspection.wantsRequestBody, true)
    inspection.requestBody({ bytes: new Uint8Array(), complete: true })
    let verdict = inspection.responseHeaders({
      status: 200,
      headers: [['Content-Type', 'text/html'], ...headers],
    })
    if (verdict.action === 'allow' && inspection.wantsResponseBody) {
      verdict = inspection.responseBody({ bytes: Buffer.from(body), complete: true })
    }
    return { verdict, result: inspection.end() }
  }
  t.match(run([['X-Secret', '1']], ''), { verdict: { action: 'block', rule: 4 } })
  t.match(run([], 'a secret'), { verdict: { action: 'block', status: 502, rule: 5 } })
  const clean = run([], 'nothing')
  t.match(clean.verdict, { action: 'allow' })
  t.ok(clean.result.matches.some(({ id, logged }) => id === 6 && logged))
})

t.test('a malformed request runs seclang phases 1 and 5 and gets 400 in every mode', async (t) => {
  const files = {
    '/r.conf':
      'SecRule REQUEST_METHOD "@rx ." "id:1,phase:1,deny,log"\nSecAction "id:2,phase:2,pass,log"\nSecAction "id:5,phase:5,pass,log"\n',
  }
  for (const mode of ['block', 'detect'] as const) {
    const inspection = new Site({ mode, rules: ['/r.conf'] }, files).inspect({})
    inspection.client()
    t.match(inspection.malformed('two Host headers'), {
      action: 'block',
      status: 400,
      phase: 'malformed',
      reason: 'two Host headers',
    })
    const { verdict, matches } = inspection.end()
    t.match(verdict, { action: 'block', status: 400, phase: 'malformed', rule: 9_601_950 })
    t.same(
      matches.filter(({ logged }) => logged).map(({ id }) => id),
      [9_601_950, 1, 5],
    )
  }
})

t.test('what was cut shows on the verdict', async (t) => {
  const inspection = new Site().inspect({
    headers: [['Content-Type', 'application/x-www-form-urlencoded']],
    method: 'POST',
  })
  inspection.client()
  inspection.requestHeaders()
  t.match(inspection.requestBody({ bytes: Buffer.from('a=1'), complete: false, limit: 'request_body' }), {
    action: 'allow',
    truncated: ['request_body'],
  })
  inspection.truncate('response_coding')
  t.match(inspection.end().verdict, { truncated: ['request_body', 'response_coding'] })
})

t.test('more parameters than are judged are refused, or named', async (t) => {
  const target = `/?${Array.from({ length: 30 }, (_, i) => `p${i}=1`).join('&')}`
  t.match(new Site({ limits: { arguments: 20 } }).judge({ target }).verdict, {
    action: 'block',
    status: 400,
    phase: 'request',
    truncated: ['arguments'],
  })
  t.match(new Site({ limits: { arguments: 20, exceeded: 'log' } }).judge({ target }).verdict, {
    action: 'allow',
    truncated: ['arguments'],
  })
  t.match(new Site({ mode: 'detect', limits: { arguments: 20 } }).judge({ target }).verdict, {
    action: 'log',
    would: { action: 'block', status: 400 },
  })
  t.match(new Site({ limits: { arguments: 40 } }).judge({ target }).verdict, {
    action: 'allow',
    truncated: [],
  })
})

t.test('weaker signs are logged where they decided, and not elsewhere', async (t) => {
  const site = new Site({ phases: { traversal: { threshold: 3 } } })
  const { verdict, matches } = site.judge({ target: '/?f=..%2Fa' })
  t.match(verdict, { action: 'block', phase: 'traversal', rule: 9_611_200 })
  t.ok(matches.some(({ id, logged }) => id === 9_611_200 && logged))
  const lenient = new Site().judge({ target: '/?f=..%2Fa' })
  t.match(lenient.verdict, { action: 'allow', score: 3 })
  t.notOk(lenient.matches.some(({ logged }) => logged))
})

t.test('only the named phases run, and one without rules is warned about', async (t) => {
  const site = new Site({}, {}, { only: ['xss', 'custom_rules', 'geoip'] })
  t.match(site.judge(attack).verdict, { action: 'allow' })
  t.match(site.judge({ target: '/?q=<script>alert(1)</script>' }).verdict, { action: 'block', phase: 'xss' })
  t.equal(site.warnings.length, 2)
  t.match(site.warnings.join(), /"geoip".*"custom_rules"/)
  t.throws(() => new Site({}, {}, { only: ['bot'] }), {
    code: 'DETECTOR_PHASE_UNAVAILABLE',
    message: /"bot" is not available/,
  })
})

t.test('a policy without its port, and a rule file that is wrong, stop the start', async (t) => {
  t.throws(() => new Site({ phases: { geoip: { deny_countries: ['XX'] } } }), {
    code: 'DETECTOR_PORT_MISSING',
  })
  t.throws(() => new Site({ rules: ['/r.conf'] }, { '/r.conf': 'SecRule ARGS "@nosuch x" "id:1"\n' }), {
    name: 'SecLangError',
    message: /\/r\.conf:1/,
  })
})

t.test('timings name what did work, and only when a clock is given', async (t) => {
  t.same(new Site().judge({}).timings, [])
  let tick = 0
  const site = new Site(
    { phases: { ip_block: { addresses: ['10.0.0.1'] } } },
    {},
    { monotonic: () => (tick += 100) },
  )
  t.same(site.judge({}).timings, [
    ['ip_block', 100],
    ['seclang_phase_1', 100],
    ['seclang_phase_2', 100],
    ['seclang_phase_5', 100],
  ])
})

t.test('end is called once', async (t) => {
  const inspection = new Site().inspect({})
  inspection.client()
  inspection.end()
  t.throws(() => inspection.end(), { code: 'DETECTOR_STATE' })
})

t.test('a plain request costs no verdict object', async (t) => {
  const pipeline = createPipeline(detectionConfig.parse({}), {
    ports: { clock: { now: () => 0 }, counters: new MemoryCounterStore() },
    files: ruleFiles(),
    warn: (message) => t.fail(message),
  })
  const client = { address: '192.0.2.1', port: 1, serverAddress: '', serverPort: 80, tls: false }
  const head = {
    requestId: '1',
    method: 'GET',
    target: '/',
    httpVersion: '1.1' as const,
    headers: [
      ['Host', 'h'],
      ['User-Agent', 'x/1'],
    ] as const,
  }
  const inspection = pipeline.inspect(client, head)
  t.equal(inspection.client(), inspection.requestHeaders())
})
