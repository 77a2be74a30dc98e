import fc from 'fast-check'
import t from 'tap'
import {
  fillJson,
  fillPath,
  jsonTemplate,
  pathTemplate,
  TEMPLATE_FIELDS,
} from '../../../incidents/trackers/template.js'
import { growth } from '../../proofs/random.js'

t.test('fields are filled in once, into strings only', async (t) => {
  t.same(
    fillJson(
      { a: ['{{title}}!', 1, null, true], '{{title}}': '{{id}} and {{key}}' },
      { title: '{{id}}', id: '"}' },
    ),
    { a: ['{{id}}!', 1, null, true], '{{title}}': '"} and ' },
  )
})

t.test('no value changes the structure of a body', async (t) => {
  const template = { title: '{{title}}', list: ['{{body}}', { deep: 'x{{text}}y' }] }
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (value) => {
      const filled = JSON.parse(
        JSON.stringify(fillJson(template, { title: value, body: value, text: value })),
      ) as unknown
      t.strictSame(filled, { title: value, list: [value, { deep: `x${value}y` }] })
    }),
    { numRuns: 300 },
  )
})

t.test('no value changes the structure of a path', async () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (value) => {
      if (/^\.{1,2}$/.test(value)) return
      const url = new URL(
        `http://host${fillPath('/a/{{id}}/b?q={{marker}}&r=1', { id: value, marker: value })}`,
      )
      if (url.pathname.split('/').length !== 4 || [...url.searchParams].length !== 2 || url.hash !== '')
        throw new Error(url.href)
      if (url.searchParams.get('q') !== Buffer.from(value).toString()) throw new Error(url.href)
    }),
    { numRuns: 500 },
  )
})

t.test('a template names fields that exist', async (t) => {
  for (const field of TEMPLATE_FIELDS) t.ok(jsonTemplate.safeParse(`x {{${field}}}`).success)
  for (const wrong of ['{{token}}', '{{ title }}', '{{}}']) {
    t.notOk(jsonTemplate.safeParse(wrong).success, wrong)
    t.notOk(jsonTemplate.safeParse({ deep: [wrong] }).success, wrong)
  }
  t.match(pathTemplate.safeParse('/x/{{token}}').error?.issues, [
    { message: /\{\{token\}\} is none of the fields title/ },
  ])
})

t.test('a path is one of the tracker itself', async (t) => {
  for (const wrong of ['x', '//host/x', '/a b', '/a#b', '', 'http://host/'])
    t.notOk(pathTemplate.safeParse(wrong).success, wrong)
  t.ok(pathTemplate.safeParse('/a/{{id}}?q=1').success)
})

t.test('filling takes linear time', async (t) => {
  const filled = (template: string) => () => void fillJson(`${template}{{title}}`, { title: template })
  t.ok(growth((n) => filled('{'.repeat(n)), 50_000) < 12, 'openings')
  t.ok(growth((n) => filled('{{x'.repeat(n)), 50_000) < 12, 'openings of fields')
  t.ok(growth((n) => filled('{{title}'.repeat(n)), 50_000) < 12, 'fields that do not end')
})
