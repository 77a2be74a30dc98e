import { join } from 'node:path'
import t from 'tap'

import type { DetectionConfigInput } from '../../detectors/config.js'
import { Engine } from '../../detectors/engine.js'
import { effectiveModes } from '../../detectors/modes.js'
import { detectionConfig } from '../../detectors/config.js'
import { nodeRuleFiles } from '../../gateway/rule-files.js'
import { Site } from './site.js'

const files = {
  '/crs/crs-setup.conf.example':
    'SecDefaultAction "phase:1,log,auditlog,pass"\nSecDefaultAction "phase:2,log,auditlog,pass"\n' +
    'SecAction "id:900990,phase:1,pass,nolog,ver:\'OWASP_CRS/4.29.0\',setvar:tx.crs_setup_version=4290"\n',
  '/crs/rules/REQUEST-901.conf':
    'SecRule &TX:blocking_paranoia_level "@eq 0" "id:901120,phase:1,pass,nolog,setvar:tx.blocking_paranoia_level=1"\n' +
    'SecRule &TX:inbound_anomaly_score_threshold "@eq 0" "id:901100,phase:1,pass,nolog,setvar:tx.inbound_anomaly_score_threshold=5"\n',
  '/crs/rules/REQUEST-942.conf':
    'SecRule ARGS:q "@streq evil" "id:942100,phase:2,block,capture,msg:\'Evil\',severity:CRITICAL,setvar:tx.score=+5"\n' +
    'SecRule TX:blocking_paranoia_level "@ge 2" "id:942200,phase:2,block,msg:\'Second level\',setvar:tx.score=+5"\n',
  '/crs/rules/REQUEST-949.conf':
    'SecRule TX:score "@ge %{tx.inbound_anomaly_score_threshold}" "id:949110,phase:2,deny,msg:\'Inbound score\'"\n',
}
const crs = (settings: object = {}): DetectionConfigInput => ({
  phases: { owasp_crs: { dir: '/crs', ...settings } },
})
const evil = { target: '/?q=evil' }

t.test('a release folder runs unmodified as phase owasp_crs', async (t) => {
  const site = new Site(crs(), files)
  t.same(site.warnings, [])
  t.match(site.judge(evil).verdict, { action: 'block', status: 403, phase: 'owasp_crs', rule: 942100 })
  t.match(site.judge({ target: '/?q=good' }).verdict, { action: 'allow' })
})

t.test('paranoia level and thresholds come between the set-up and the rules', async (t) => {
  t.match(new Site(crs({ paranoia_level: 2 }), files).judge({}).verdict, {
    action: 'block',
    phase: 'owasp_crs',
  })
  t.match(new Site(crs({ inbound_threshold: 6 }), files).judge(evil).verdict, { action: 'allow' })
  // What the configuration leaves open is for the set-up file to say.
  const setup = {
    ...files,
    '/crs/crs-setup.conf': 'SecAction "id:900000,phase:1,pass,nolog,setvar:tx.blocking_paranoia_level=2"\n',
  }
  t.match(
    new Site(crs(), setup).judge({}).verdict,
    { action: 'block' },
    'crs-setup.conf goes before its example',
  )
  t.match(new Site(crs({ paranoia_level: 1 }), setup).judge({}).verdict, { action: 'allow' })
})

t.test('an API may be spoken to, unless the set-up says otherwise', async (t) => {
  const rules = {
    ...files,
    '/crs/rules/REQUEST-901.conf':
      'SecRule &TX:allowed_methods "@eq 0" "id:901160,phase:1,pass,nolog,setvar:\'tx.allowed_methods=GET\'"\n' +
      'SecRule REQUEST_METHOD "!@within %{tx.allowed_methods}" "id:911100,phase:1,deny,msg:\'Method\'"\n' +
      'SecRule REQUEST_HEADERS:Content-Type "@rx ^[^;]+" "id:920420,phase:1,deny,capture,chain,msg:\'Type\'"\n' +
      'SecRule TX:0 "!@rx ^$" "chain,setvar:\'tx.content_type=|%{tx.0}|\'"\n' +
      'SecRule TX:content_type "!@within %{tx.allowed_request_content_type}"\n',
  }
  const site = new Site(crs(), rules)
  for (const method of ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE'])
    t.match(site.judge({ method }).verdict, { action: 'allow' }, method)
  t.match(site.judge({ method: 'TRACK' }).verdict, { action: 'block', rule: 911100 })
  const typed = (type: string) => site.judge({ method: 'POST', headers: [['Content-Type', type]] }).verdict
  for (const type of ['text/csv', 'application/merge-patch+json', 'text/plain; charset=utf-8'])
    t.match(typed(type), { action: 'allow' }, type)
  t.match(typed('application/x-java-serialized-object'), { action: 'block', rule: 920420 })
  const narrow = new Site(crs(), {
    ...rules,
    '/crs/crs-setup.conf':
      'SecAction "id:900200,phase:1,pass,nolog,setvar:\'tx.allowed_methods=GET POST\'"\n',
  })
  t.match(narrow.judge({ method: 'DELETE' }).verdict, { action: 'block', rule: 911100 })
})

t.test('plugins run around the rules', async (t) => {
  const site = new Site(crs(), {
    ...files,
    '/crs/plugins/x-config.conf': 'SecAction "id:9500010,phase:1,pass,nolog,setvar:tx.x_plugin=1"\n',
    '/crs/plugins/x-before.conf':
      'SecRule TX:x_plugin "@eq 1" "id:9500020,phase:1,pass,nolog,ctl:ruleRemoveById=942100"\n',
  })
  t.match(site.judge(evil).verdict, { action: 'allow' })
})

t.test('the mode of the phase counts, and so does --phases', async (t) => {
  t.match(new Site(crs({ mode: 'detect' }), files).judge(evil).verdict, {
    action: 'log',
    phase: 'owasp_crs',
    would: { action: 'block', status: 403 },
  })
  t.match(new Site(crs({ mode: 'off' }), files).judge(evil).verdict, { action: 'allow' })
  t.match(new Site(crs(), files, { only: ['xss'] }).judge(evil).verdict, { action: 'allow' })
  t.match(new Site(crs(), files, { only: ['owasp_crs'] }).judge(evil).verdict, { action: 'block' })
})

t.test('a rule set that came by rules has the name of the phase too', async (t) => {
  const rules = {
    '/r.conf':
      'SecAction "id:1,phase:1,pass,nolog,setvar:tx.level=1"\n' +
      'SecRule ARGS:q "@streq evil" "id:942100,phase:2,deny,msg:\'Evil\',ver:\'OWASP_CRS/4.29.0\',chain"\n' +
      'SecRule TX:level "@eq 1"\n',
  }
  const verdictOf = (only?: ('owasp_crs' | 'custom_rules')[]) =>
    new Site({ rules: ['/r.conf'] }, rules, only === undefined ? {} : { only }).judge(evil).verdict
  const refused = { action: 'block', phase: 'owasp_crs', rule: 942100 }
  t.match(verdictOf(), refused)
  t.match(verdictOf(['custom_rules']), refused)
  t.match(verdictOf(['owasp_crs']), refused, 'all of the file runs')
  t.match(
    new Site({ rules: ['/r.conf'], phases: { owasp_crs: { mode: 'off' } } }, rules).judge(evil).verdict,
    { action: 'allow' },
  )
})

t.test('a folder that is none stops the start and says why', async (t) => {
  t.throws(() => new Site(crs(), {}), {
    code: 'DETECTOR_FILE',
    message: /owasp_crs\.dir: \/crs .*no crs-setup/,
  })
  t.throws(() => new Site(crs(), { '/crs/crs-setup.conf': '' }), { message: /no rules\/\*\.conf/ })
})

t.test('the banner says when there is no rule set', async (t) => {
  const report = (input: DetectionConfigInput, only?: 'owasp_crs'[]) =>
    effectiveModes(detectionConfig.parse(input), only).find(({ phase }) => phase === 'owasp_crs')
  t.match(report({}), { number: 13, mode: 'block', idle: true })
  t.match(report({ rules: ['/r.conf'] }), { idle: true })
  t.match(report({ rules: ['/r.conf'] }, ['owasp_crs']), { idle: false })
  t.match(report(crs()), { idle: false })
})

t.test('response bodies are wanted when rules need them, of types that are text', async (t) => {
  const response = {
    ...files,
    '/crs/rules/RESPONSE-950.conf':
      'SecRule RESPONSE_BODY "@contains secret" "id:950100,phase:4,deny,status:500,msg:\'Leak\',severity:ERROR"\n',
  }
  const wants = (settings: object, type: string): boolean => {
    const inspection = new Site(crs(settings), response).inspect({})
    inspection.client()
    inspection.requestHeaders()
    inspection.requestBody({ bytes: new Uint8Array(0), complete: true })
    inspection.responseHeaders({ status: 200, headers: [['content-type', type]] })
    return inspection.wantsResponseBody
  }
  t.equal(wants({}, 'text/html; charset=utf-8'), true)
  t.equal(wants({}, 'image/png'), false)
  t.equal(wants({ response_bodies: false }, 'text/html'), false)
})

const data = process.env.PORTCULLIS_TEST_DATA

t.test(
  'the Core Rule Set loads with no warning',
  { skip: data === undefined && 'skipped: no data' },
  async (t) => {
    const warnings: string[] = []
    const engine = Engine.load({
      config: { phases: { owasp_crs: { dir: join(data ?? '', 'crs') } } },
      files: nodeRuleFiles,
      warn: (message) => warnings.push(message),
    })
    t.same(warnings, [])
    const rules = [...engine.pipeline.rules.values()].filter(({ phase }) => phase === 'owasp_crs')
    t.ok(rules.length > 600, `${rules.length} rules`)
    const { verdict } = engine.judge({
      method: 'GET',
      target: '/?file=../../../../etc/passwd',
      headers: [['Host', 'a.test']],
    })
    t.equal(verdict.action, 'block')
    t.match(
      engine.judge({
        method: 'GET',
        target: '/',
        headers: [
          ['Host', 'a.test'],
          ['User-Agent', 'Mozilla/5.0'],
          ['Accept', '*/*'],
        ],
      }).verdict,
      { action: 'allow' },
    )
  },
)
