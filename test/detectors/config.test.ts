import t from 'tap'
import { z } from 'zod'

import { describeUnknownPhase, detectionConfig } from '../../detectors/config.js'
import { effectiveModes, parsePhaseNames } from '../../detectors/modes.js'

t.test('an empty section is a full configuration', async (t) => {
  const config = detectionConfig.parse({})
  t.equal(config.mode, 'block')
  t.same(config.rules, [])
  t.equal(config.phases.sql_injection.threshold, 5)
  t.same(config.phases.rate_limit.limits, [])
  t.equal(config.phases.rate_limit.ban, undefined)
  t.equal(config.limits.arguments, 1000)
})

t.test('unknown keys and phases are refused by name', async (t) => {
  const message = (input: unknown): string => detectionConfig.safeParse(input).error?.message ?? ''
  t.match(message({ colour: 1 }), /colour/)
  t.match(message({ phases: { bot: {} } }), /phase \\?"bot\\?" is not available in this version/)
  t.match(message({ phases: { owasp_crs: { paranoia_level: 5 } } }), /paranoia_level/)
  t.match(
    message({ phases: { owasp_crs: { paranoia_level: 3, detection_paranoia_level: 2 } } }),
    /must not be lower than paranoia_level/,
  )
  t.match(message({ phases: { sqli: {} } }), /unknown phase \\?"sqli\\?" \(known: ip_allow/)
  t.match(message({ phases: { xss: { mode: 'on' } } }), /phases/)
  t.match(message({ phases: { ip_block: { address: [] } } }), /address/)
  t.match(message({ phases: { geoip: { allow_countries: ['Germany'] } } }), /allow_countries/)
  t.notMatch(describeUnknownPhase('nonsense'), 'bot')
})

t.test('every key has a description and the schema can be exported', async (t) => {
  const schema = z.toJSONSchema(detectionConfig, { io: 'input' })
  const missing: string[] = []
  const walk = (node: unknown, path: string): void => {
    if (typeof node !== 'object' || node === null) return
    const properties = (node as { properties?: Record<string, { description?: string }> }).properties ?? {}
    for (const [name, child] of Object.entries(properties)) {
      if (child.description === undefined) missing.push(`${path}.${name}`)
      walk(child, `${path}.${name}`)
      walk((child as { items?: unknown }).items, `${path}.${name}[]`)
    }
  }
  walk(schema, 'detection')
  t.same(missing, [])
  t.notMatch(JSON.stringify(schema), /"bot"|crowdsec|sensitive_data/)
})

t.test('the banner tells the effective mode of each phase', async (t) => {
  const config = detectionConfig.parse({
    mode: 'detect',
    phases: { xss: { mode: 'off' }, url_block: { paths: ['/x'] } },
  })
  const report = effectiveModes(config)
  t.equal(report.length, 14)
  t.match(report[0], { phase: 'ip_allow', number: 1, mode: 'detect', idle: true })
  t.match(
    report.find(({ phase }) => phase === 'url_block'),
    { mode: 'detect', idle: false },
  )
  t.match(
    report.find(({ phase }) => phase === 'xss'),
    { mode: 'off' },
  )
  const only = effectiveModes(detectionConfig.parse({}), ['xss'])
  t.same(
    only.filter(({ mode }) => mode !== 'off').map(({ phase }) => phase),
    ['xss'],
  )
})

t.test('names of phases are read, or refused with a reason', async (t) => {
  t.same(parsePhaseNames(['xss', 'custom_rules']), ['xss', 'custom_rules'])
  t.throws(() => parsePhaseNames(['sqli']), { code: 'DETECTOR_PHASE_UNKNOWN' })
  t.throws(() => parsePhaseNames(['crowdsec']), { code: 'DETECTOR_PHASE_UNAVAILABLE' })
})
