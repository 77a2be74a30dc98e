import t from 'tap'

import { DEFAULT_SETTINGS, type Settings } from '../../detectors/seclang/settings.js'
import { bodyLimits } from '../../gateway/body-limits.js'
import { gatewayConfig } from '../../gateway/config.js'

const { limits } = gatewayConfig.parse({})
const effective = (settings: Partial<Settings>) => {
  const warnings: string[] = []
  const result = bodyLimits(limits, { ...DEFAULT_SETTINGS, ...settings }, (text) => warnings.push(text))
  return { ...result, warnings }
}

t.test('without directives the limits of the gateway stand', async (t) => {
  t.strictSame(effective({}), {
    limits: { fields: limits.fields, body: limits.body },
    responseLimit: limits.response_body,
    warnings: [],
  })
})

t.test('of a directive and the gateway the stricter one counts, and the other is told', async (t) => {
  t.match(effective({ requestBodyLimit: 5000, requestBodyNoFilesLimit: 400, responseBodyLimit: 3000 }), {
    limits: { body: 5000, fields: 400 },
    responseLimit: 3000,
    warnings: { length: 0 },
  })
  const over = effective({ requestBodyLimit: 2 ** 30, responseBodyLimit: 2 ** 30 })
  t.match(over.limits, { body: limits.body })
  t.equal(over.responseLimit, limits.response_body)
  t.match(
    over.warnings[0],
    /^SecRequestBodyLimit 1073741824 is over gateway\.limits\.body, 12582912, which stands$/,
  )
  t.match(over.warnings[1], /SecResponseBodyLimit/)
})

t.test('an action that the gateway does not have is refused or told', async (t) => {
  t.throws(() => effective({ responseBodyLimitAction: 'reject' }), {
    code: 'GATEWAY_SITE',
    message: /SecResponseBodyLimitAction Reject/,
  })
  t.match(effective({ requestBodyLimitAction: 'process_partial' }).warnings, [/has no effect here/])
})
