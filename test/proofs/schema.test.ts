import t from 'tap'
import { checkSchema, toJsonSchema } from '../../proofs/schema.js'
import type { Schema } from '../../proofs/schema.js'
import type { CanonicalValue } from '../../proofs/canonical-json.js'
import {
  distinct,
  flag,
  integer,
  list,
  map,
  matching,
  object,
  text,
  word,
} from '../../proofs/kinds/members.js'

const accepts = (schema: Schema, value: CanonicalValue): boolean => {
  try {
    checkSchema(schema, value, 'x')
    return true
  } catch (error) {
    if ((error as { code?: string }).code !== 'MALFORMED_ACTION') throw error
    return false
  }
}

void t.test('each type accepts what it says and nothing else', async (t) => {
  const cases: [string, Schema, CanonicalValue[], CanonicalValue[]][] = [
    ['text', text(3), ['a', 'abc', '😀😀😀'], ['', 'abcd', '😀😀😀😀', 1, true, [], {}]],
    ['pattern', matching(/^a+$/, 3), ['a', 'aaa'], ['b', 'aaaa', 'a\n', 'ab']],
    ['word', word(['on', 'off']), ['on'], ['On', 'constructor', 1]],
    ['integer', integer(-1, 5), [-1, 0, 5], [-2, 6, 0.5, '1', 2 ** 53, true]],
    ['flag', flag, [true, false], [0, 'true']],
    ['list', list(integer(0, 9), 2), [[], [1], [1, 1]], [[1, 1, 1], [10], {}, 'x']],
    ['distinct', distinct(text(9), 2), [['a'], ['a', 'b']], [[], ['a', 'a'], ['a', 'b', 'c']]],
    [
      'object',
      object({ a: flag }, { b: flag }),
      [{ a: true }, { a: true, b: false }],
      [{}, { b: true }, { a: 1 }, { a: true, c: 1 }, [], 'x', { a: true, tostring: true }],
    ],
    [
      'map',
      map(/^[a-z]+$/, integer(0, 9), 2),
      [{}, { a: 1, b: 2 }],
      [{ A: 1 }, { a: 10 }, { a: 1, b: 1, c: 1 }, []],
    ],
  ]
  for (const [name, schema, good, bad] of cases) {
    for (const value of good) t.ok(accepts(schema, value), `${name} accepts ${JSON.stringify(value)}`)
    for (const value of bad) t.notOk(accepts(schema, value), `${name} refuses ${JSON.stringify(value)}`)
  }
})

void t.test('an error names the place', async (t) => {
  const schema = object({ a: list(object({ b: flag }), 3) })
  t.throws(() => checkSchema(schema, { a: [{ b: true }, { b: 1 }] }, 'action'), /action\.a\[1\]\.b must be/)
})

void t.test('the same table is JSON Schema', async (t) => {
  t.same(
    toJsonSchema(object({ a: text(3, 'A.') }, { b: distinct(integer(0, 1), 2), c: map(/^x$/, flag, 1) })),
    {
      type: 'object',
      properties: {
        a: { type: 'string', minLength: 1, maxLength: 3, description: 'A.' },
        b: {
          type: 'array',
          items: { type: 'integer', minimum: 0, maximum: 1 },
          minItems: 1,
          maxItems: 2,
          uniqueItems: true,
        },
        c: {
          type: 'object',
          propertyNames: { pattern: '^x$' },
          additionalProperties: { type: 'boolean' },
          maxProperties: 1,
        },
      },
      required: ['a'],
      additionalProperties: false,
    },
  )
  t.same(toJsonSchema(word(['a', 'b'])), { enum: ['a', 'b'] })
  t.same(toJsonSchema(matching(/^a$/, 1)), { type: 'string', minLength: 1, maxLength: 1, pattern: '^a$' })
})
