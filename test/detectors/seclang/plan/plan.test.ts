import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { readTests } from '../../../../cli/ftw-files.js'
import { detectionConfig } from '../../../../detectors/config.js'
import { testConfiguration } from '../../../../detectors/ftw/configuration.js'
import { parseRaw } from '../../../../detectors/ftw/raw-request.js'
import { reflect } from '../../../../detectors/ftw/reflection.js'
import { requestBytes } from '../../../../detectors/ftw/request.js'
import { compileSiteRules } from '../../../../detectors/pipeline.js'
import { compileRuleSet } from '../../../../detectors/seclang/index.js'
import { nodeRuleFiles } from '../../../../gateway/rule-files.js'
import { type ProfileRequest, compile, form } from '../profile.js'
import { type Ways, bothWays } from './both.js'
import { requests } from './requests.js'
import { ruleSets } from './rule-sets.js'

/** A full run tries as many rule sets as it is told, and all requests that there are. */
const FULL = process.env['PORTCULLIS_PLAN_RUNS']
const RUNS = Number(FULL ?? '200')
/** Of the requests of the Core Rule Set's tests, and of the lines of the corpora, one in so many is judged. */
const EVERY = FULL === undefined ? { request: 12, line: 100 } : { request: 1, line: 1 }

t.test('generated rules judge generated requests as they do one by one', (t) => {
  let matches = 0
  fc.assert(
    fc.property(ruleSets, fc.array(requests, { minLength: 1, maxLength: 6 }), (text, some) => {
      const ways = { plan: compile(text), plain: compile(text) }
      for (const request of some) {
        const { plan, plain } = bothWays(ways, request)
        matches += plain.matches.length
        assert.deepStrictEqual(plan, plain)
      }
    }),
    { numRuns: RUNS },
  )
  t.ok(matches > RUNS, `${matches} matches were compared`)
  t.end()
})

t.test('a rule judges what its own match has switched on', (t) => {
  const text = `SecRequestBodyAccess On
SecRule ARGS|REQUEST_BODY "@rx evil" "id:1,phase:2,pass,ctl:forceRequestBodyVariable=On,setvar:tx.score=+5"
`
  const headers = [['Content-Type', 'text/plain']] as const
  const request = { method: 'POST', target: '/?a=evil', headers, body: 'an evil body' }
  const { plan, plain } = bothWays({ plan: compile(text), plain: compile(text) }, request)
  t.strictSame(plan, plain)
  t.match(plan, { variables: [{ key: 'score', value: '10' }] })
  t.end()
})

t.test('a source is read only for a rule whose turn comes', async (t) => {
  const text = `
    SecArgumentsLimit 2
    SecRule REQUEST_HEADERS:Host "@contains shop" "id:1,phase:1,pass,skip:1"
    SecRule ARGS "@contains x" "id:2,phase:1,pass"
    SecRule REQUEST_HEADERS:Host "@contains shop" "id:3,phase:2,deny"
    SecRule ARGS "@contains x" "id:4,phase:2,pass"
  `
  const { plan, plain } = bothWays({ plan: compile(text), plain: compile(text) }, { target: '/?a=1&b=2&c=3' })
  t.same(plain.truncated, [])
  t.same(plan, plain)
})

t.test('further rules before a set are planned with it', (t) => {
  let matches = 0
  fc.assert(
    fc.property(ruleSets, requests, (text, request) => {
      const shifted = text.replace(/id:(\d+)/g, (_, id: string) => `id:${Number(id) + 100}`)
      const way = () =>
        compile(text).precededBy([{ file: '/rules/first.conf', text: shifted, label: 'custom_rules' }], {
          files: nodeRuleFiles,
          modes: new Map(),
          siteMode: 'block',
          warn: () => undefined,
        })
      const { plan, plain } = bothWays({ plan: way(), plain: way() }, request)
      matches += plain.matches.length
      assert.deepStrictEqual(plan, plain)
    }),
    { numRuns: RUNS / 4 },
  )
  t.ok(matches > 0, `${matches} matches were compared`)
  t.end()
})

const data = process.env['PORTCULLIS_TEST_DATA']

if (data === undefined) t.comment('the Core Rule Set and the corpora are not judged: no data')
else {
  const crs = join(data, 'crs')

  const compare = (ways: Ways, some: readonly ProfileRequest[]): number => {
    let matches = 0
    for (const request of some) {
      const { plan, plain } = bothWays(ways, request)
      assert.deepStrictEqual(plan, plain, JSON.stringify(request))
      matches += plain.matches.filter(({ logged }) => logged).length
    }
    return matches
  }

  t.test('requests of the tests of the Core Rule Set, at paranoia level 4', (t) => {
    const way = () =>
      compileRuleSet([{ file: 'crs-test.conf', text: testConfiguration(crs), label: 'custom_rules' }], {
        files: nodeRuleFiles,
        modes: new Map(),
        siteMode: 'block',
        warn: () => undefined,
      })
    const tests = readTests(join(crs, 'tests')).filter((_, index) => index % EVERY.request === 0)
    const some = tests.flatMap(({ stages }) =>
      stages.flatMap(({ input }): ProfileRequest[] => {
        const raw = parseRaw(requestBytes(input))
        if (raw === undefined) return []
        const { status, headers, body } = reflect(raw.target, raw.body)
        return [
          {
            method: raw.method,
            target: raw.target,
            headers: raw.headers,
            body: raw.body.toString('latin1'),
            response: { status, headers, body: body.toString('latin1') },
          },
        ]
      }),
    )
    const matches = compare({ plan: way(), plain: way() }, some)
    t.ok(matches > some.length, `${matches} matches of ${some.length} requests`)
    t.end()
  })

  t.test('corpora and generated requests, with the defaults of the product', (t) => {
    const way = () =>
      compileSiteRules(detectionConfig.parse({ phases: { owasp_crs: { dir: crs } } }), {
        files: nodeRuleFiles,
        warn: () => undefined,
      })
    const ways = { plan: way(), plain: way() }
    const folder = join(data, 'corpora', 'libinjection')
    const lines = readdirSync(folder)
      .filter((name) => name.endsWith('.txt'))
      .flatMap((name) => readFileSync(join(folder, name), 'latin1').split('\n'))
      .filter((line, index) => line !== '' && !line.startsWith('#') && index % EVERY.line === 0)
    const some = lines.map((line) => form(`q=${encodeURIComponent(line)}&page=1`))
    const matches = compare(ways, [...some, ...fc.sample(requests, { numRuns: RUNS, seed: 7 })])
    t.ok(matches > some.length, `${matches} matches of ${some.length} requests`)
    t.end()
  })
}
