import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { compileRuleSet } from '../../../detectors/seclang/index.js'
import { form, judge } from './profile.js'

const data = process.env['PORTCULLIS_TEST_DATA']

if (data === undefined) t.plan(0, 'skipped: no data')
else {
  const folder = join(data, 'crs', 'rules')
  const names = readdirSync(folder).filter((name) => name.endsWith('.conf'))
  const warnings: string[] = []
  const files = { read: (path: string) => readFileSync(path, 'latin1'), expand: (path: string) => [path] }
  const setup = join(data, 'crs', 'crs-setup.conf.example')
  const ruleSet = compileRuleSet(
    [setup, ...names.toSorted().map((name) => join(folder, name))].map((file) => ({
      file,
      label: 'custom_rules' as const,
    })),
    {
      files,
      modes: new Map(),
      siteMode: 'block',
      warn: (message, { file, line }) => warnings.push(`${file}:${line}: ${message}`),
    },
  )

  t.test('the Core Rule Set loads without a warning', (t) => {
    t.equal(names.length, 27)
    t.same(warnings, [])
    t.equal(ruleSet.size, 630)
    t.ok([...ruleSet.rules.values()].every(({ phase }) => phase === 'owasp_crs'))
    t.end()
  })

  t.test('it blocks an attack and lets a plain form through', (t) => {
    const attack = judge(ruleSet, { ...form("q=1' union select password from users--"), client: '192.0.2.1' })
    t.match(attack.interruption, { action: 'block', status: 403, label: 'owasp_crs', match: { id: 949110 } })
    t.ok(attack.evaluation.score >= 5)
    const plain = judge(ruleSet, {
      method: 'POST',
      target: '/login',
      headers: [
        ['Host', 'shop.example'],
        ['User-Agent', 'Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0'],
        ['Accept', 'text/html'],
        ['Content-Type', 'application/x-www-form-urlencoded'],
        ['Content-Length', '22'],
      ],
      body: 'name=alice&color=green',
    })
    t.equal(plain.interruption, undefined)
    t.same(
      plain.evaluation.matches.filter(({ logged }) => logged),
      [],
    )
    t.end()
  })

  t.test('any bytes come to a verdict', (t) => {
    const bytes = fc.uint8Array({ maxLength: 80 }).map((array) => Buffer.from(array).toString('latin1'))
    const type = fc.constantFrom(
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/json',
      'text/xml',
    )
    fc.assert(
      fc.property(bytes, bytes, bytes, type, (target, header, body, contentType) => {
        const { evaluation } = judge(ruleSet, {
          method: 'POST',
          target: `/${target}`,
          headers: [
            ['Host', 'shop.example'],
            ['Cookie', header],
            ['Content-Type', contentType],
          ],
          body,
        })
        return evaluation.matches.every(({ id }) => id > 0)
      }),
      { numRuns: 200 },
    )
    t.end()
  })
}
