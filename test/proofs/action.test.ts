import t from 'tap'
import { readFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import {
  ACTION_LINE,
  checkAction,
  formatAction,
  MAX_ENTRY_BYTES,
  parseAction,
  signAction,
} from '../../proofs/action.js'
import { ACTION_KINDS, actionJsonSchema, actionSchema } from '../../proofs/kinds/index.js'
import { NAME_PATTERN, uuid } from '../../proofs/kinds/members.js'
import { canonicalBytes, isCanonicalObject } from '../../proofs/canonical-json.js'
import type { CanonicalObject, CanonicalValue } from '../../proofs/canonical-json.js'
import { ACTION_LIMITS } from '../../proofs/canonical-parser.js'
import type { Schema } from '../../proofs/schema.js'
import { leafHash } from '../../proofs/merkle.js'
import { noteSigner } from '../../proofs/note-key.js'
import { ProofError } from '../../proofs/errors.js'
import { actionOf, agentKey, approverKey, seedOf } from './sample-log.js'
import { damage, randomSource } from './random.js'

const vectors = <T>(name: string) =>
  (JSON.parse(readFileSync(new URL(`vectors/${name}`, import.meta.url), 'utf8')) as { vectors: T[] }).vectors
const textOf = (line: Uint8Array | string) =>
  Buffer.concat([Buffer.from(`${ACTION_LINE}\n`), Buffer.from(line as Uint8Array), Buffer.from('\n')])

void t.test('frozen actions are accepted, and their leaf hashes stay', async (t) => {
  const kinds = new Set<string>()
  let run = 0
  for (const { name, kind, json, leaf } of vectors<{
    name: string
    kind: string
    json: string
    leaf: string
  }>('action-accept.json')) {
    const bytes = textOf(json)
    const action = parseAction(bytes)
    t.equal(action.kind, kind, name)
    t.same(Buffer.from(formatAction(action)), bytes, `${name} is written as it was read`)
    t.equal(createHash('sha256').update('\0').update(bytes).digest('hex'), leaf)
    t.equal(Buffer.from(leafHash(bytes)).toString('hex'), leaf)
    kinds.add(kind)
    run++
  }
  t.equal(run, 103, 'all vectors ran')
  t.same([...kinds].toSorted(), [...ACTION_KINDS].toSorted(), 'every kind has one')
})

void t.test('frozen malformed actions are refused with their code', async (t) => {
  let run = 0
  for (const vector of vectors<{ name: string; code: string; json?: string; bytes?: string }>(
    'action-reject.json',
  )) {
    const line =
      vector.bytes === undefined ? Buffer.from(vector.json ?? '') : Buffer.from(vector.bytes, 'base64')
    t.throws(() => parseAction(textOf(line)), { code: vector.code.toUpperCase() }, vector.name)
    run++
  }
  t.equal(run, 91, 'all vectors ran')
})

void t.test('the kinds that the format names are there', async (t) => {
  for (const kind of [
    'session.open',
    'session.close',
    'tool.call',
    'tool.result',
    'decision',
    'llm.call',
    'chain.tx',
    'message',
    'security.verdict',
    'security.summary',
    'config.change',
    'key.register',
    'key.rotate',
    'key.revoke',
    'redaction',
    'incident.opened',
    'incident.repeated',
    'incident.announced',
    'incident.alert_failed',
    'incident.resolved',
    'approval.requested',
    'approval.granted',
    'approval.denied',
    'scan.verdict',
    'quarantine.stored',
    'quarantine.restored',
    'quarantine.deleted',
  ])
    t.ok(actionSchema(kind), kind)
  t.equal(actionSchema('toString'), undefined)
})

void t.test('the frame is the domain line, one line of JSON and a newline', async (t) => {
  const good = Buffer.from(formatAction(actionOf(0))).toString()
  for (const [name, text] of Object.entries({
    empty: '',
    'the domain line alone': `${ACTION_LINE}\n`,
    'no final newline': good.slice(0, -1),
    'two final newlines': `${good}\n`,
    'another version': good.replace('v1\n', 'v2\n'),
    'another domain': good.replace('portcullis', 'portcullus'),
    'a carriage return': good.replace('v1\n', 'v1\r\n'),
    'a third line': `${good}x\n`,
    'a blank line first': `\n${good}`,
  }))
    t.throws(() => parseAction(Buffer.from(text)), { name: 'ProofError' }, name)
})

void t.test('more than 60,000 bytes are too large', async (t) => {
  const huge = textOf(JSON.stringify('x'.repeat(60_000)))
  t.throws(() => parseAction(huge), { code: 'TOO_LARGE' })
})

void t.test('line 2 of no text of ours can be a decimal number', async (t) => {
  for (const wrong of ['1', '12', '0', '1a', '']) t.notOk(NAME_PATTERN.test(wrong))
  t.ok(NAME_PATTERN.test('a1'))
  t.notOk(uuid.pattern?.test('12'))
})

void t.test('what cannot be read is not written', async (t) => {
  t.throws(() => formatAction(actionOf(-1)), { code: 'MALFORMED_ACTION' })
  t.throws(() => formatAction(actionOf(0, { extra: 1 })), { code: 'MALFORMED_ACTION' })
  t.throws(() => formatAction(actionOf(0.5)), { code: 'MALFORMED_ACTION' })
  t.throws(() => formatAction({ ...actionOf(0), tool: '\ud800' }), { name: 'ProofError' })
  t.throws(() => checkAction([]), { code: 'MALFORMED_ACTION' })
  t.throws(() => checkAction('x'), { code: 'MALFORMED_ACTION' })
})

/** A value of JSON with some of it exchanged for something else, mostly of the wrong kind. */
function altered(value: CanonicalValue, random: ReturnType<typeof randomSource>): CanonicalValue {
  if (random.below(4) === 0) return OTHERS[random.below(OTHERS.length)] ?? ''
  if (typeof value !== 'object') return value
  if (!isCanonicalObject(value)) {
    const at = random.below(value.length + 1)
    return [...value.slice(0, at), altered(value[at] ?? 'x', random), ...value.slice(at + 1)]
  }
  const members = new Map(Object.entries(value))
  const keys = [...members.keys(), 'other', 'Other']
  const key = keys[random.below(keys.length)] ?? ''
  if (random.below(5) === 0) members.delete(key)
  else members.set(key, altered(members.get(key) ?? 1, random))
  return Object.fromEntries(members)
}

const OTHERS: readonly CanonicalValue[] = [
  0,
  -0,
  -1,
  0.5,
  1e21,
  2 ** 53,
  true,
  '',
  'x',
  'a"b',
  'tab\t',
  '\ud800',
  'é😀',
  'y'.repeat(300),
  'z'.repeat(60_000),
  [],
  [1],
  ['a', 'a'],
  {},
  { a: 1 },
  { 'A b': 1 },
  JSON.parse('null') as CanonicalValue,
]

void t.test('an action is written exactly when what is written is read', async (t) => {
  const random = randomSource(47)
  const outcome = (work: () => Uint8Array): string | undefined => {
    try {
      return Buffer.from(work()).toString('latin1')
    } catch (error) {
      if (!(error instanceof ProofError)) throw error
      return undefined
    }
  }
  const actions = vectors<{ json: string }>('action-accept.json').map(
    ({ json }) => JSON.parse(json) as CanonicalObject,
  )
  let written = 0
  for (let i = 0; i < 20_000; i++) {
    let action: CanonicalValue = actions[i % actions.length] ?? {}
    for (let changes = random.below(3); changes > 0; changes--) action = altered(action, random)
    const expected = outcome(() => {
      const text = textOf(canonicalBytes(action))
      parseAction(text)
      return text
    })
    const found = outcome(() => formatAction(action))
    if (found !== expected) t.equal(found, expected, JSON.stringify(action))
    if (found !== undefined) written++
  }
  t.ok(written > 5000 && written < 15_000, `${written} were written`)
})

void t.test('no schema takes what the canonical form does not', async (t) => {
  const walk = (schema: Schema): number => {
    switch (schema.type) {
      case 'object':
        for (const key of schema.members.keys()) t.match(key, /^[a-z0-9_]+$/)
        return 1 + Math.max(0, ...[...schema.members.values()].map(walk))
      case 'map':
        // A set of keys of the form's own characters, anchored at both ends.
        t.match(schema.keys.source, /^\^(?:\[a-z0-9_\]|\(\?:\[0-9\]\{1,16\}\|other\))(?:\{[0-9,]+\})?\$$/)
        t.equal(schema.keys.flags, '')
        return 1 + walk(schema.values)
      case 'list':
        return 1 + walk(schema.items)
      default:
        return 0
    }
  }
  for (const kind of ACTION_KINDS) {
    const schema = actionSchema(kind)
    t.ok(schema !== undefined && walk(schema) <= ACTION_LIMITS.maxDepth, `${kind} is not too deep`)
  }
})

void t.test('an action is signed by its agent, among others', async (t) => {
  t.throws(() => signAction(actionOf(0), [approverKey]), { code: 'UNSIGNED' })
  const note = Buffer.from(signAction(actionOf(0), [approverKey, agentKey])).toString()
  t.ok(note.indexOf('\u2014 approver ') < note.indexOf('\u2014 gateway '), 'lines are sorted')
  const participants = Array.from({ length: 64 }, (_, i) => `${'a'.repeat(97)}${i}`)
  const long = actionOf(0, { kind: 'session.open', participants, purpose: 'x'.repeat(500) })
  const { target: _target, in: _in, ...open } = long
  const signers = Array.from({ length: 15 }, (_, i) =>
    noteSigner(`${'n'.repeat(190)}${i + 10}`, seedOf(i + 50)),
  )
  t.ok(signAction(open as typeof long, [agentKey, ...signers]).length < MAX_ENTRY_BYTES)
})

void t.test('a damaged action is refused or another one, never the same', async (t) => {
  const random = randomSource(31)
  const good = formatAction(actionOf(3))
  for (let i = 0; i < 5000; i++) {
    const bytes = damage(good, random)
    try {
      const action = parseAction(bytes)
      if (Buffer.compare(formatAction(action), bytes) !== 0) t.fail('repaired')
    } catch (error) {
      if (!(error instanceof ProofError)) throw error
    }
  }
  t.pass('5000 damaged actions')
})

/** A small evaluator of the JSON Schema words that the published schema uses, written apart from the checker. */
function matches(schema: CanonicalValue, value: CanonicalValue): boolean {
  const s = schema as Record<string, CanonicalValue>
  if (s['oneOf'] !== undefined)
    return (s['oneOf'] as CanonicalValue[]).filter((one) => matches(one, value)).length === 1
  if (s['enum'] !== undefined) return (s['enum'] as CanonicalValue[]).includes(value)
  switch (s['type']) {
    case 'string':
      return (
        typeof value === 'string' &&
        Array.from(value).length >= Number(s['minLength']) &&
        Array.from(value).length <= Number(s['maxLength']) &&
        (s['pattern'] === undefined || new RegExp(s['pattern'] as string, 'u').test(value))
      )
    case 'integer':
      return (
        Number.isInteger(value) &&
        Number(value) >= Number(s['minimum']) &&
        Number(value) <= Number(s['maximum'])
      )
    case 'boolean':
      return typeof value === 'boolean'
    case 'array':
      return (
        Array.isArray(value) &&
        value.length >= Number(s['minItems']) &&
        value.length <= Number(s['maxItems']) &&
        (s['uniqueItems'] !== true || new Set(value).size === value.length) &&
        (value as CanonicalValue[]).every((item) => matches(s['items']!, item))
      )
    default: {
      if (typeof value !== 'object' || Array.isArray(value)) return false
      const properties = (s['properties'] ?? {}) as Record<string, CanonicalValue>
      const names = s['propertyNames'] as Record<string, string> | undefined
      const members = Object.entries(value as Record<string, CanonicalValue>)
      return (
        ((s['required'] ?? []) as string[]).every((key) => Object.hasOwn(value, key)) &&
        members.length <= Number(s['maxProperties'] ?? 1000) &&
        members.every(([key, member]) => {
          if (names !== undefined && !new RegExp(names['pattern']!, 'u').test(key)) return false
          const own = Object.hasOwn(properties, key) ? properties[key] : undefined
          if (own !== undefined) return matches(own, member)
          return s['additionalProperties'] !== false && matches(s['additionalProperties']!, member)
        })
      )
    }
  }
}

void t.test('the published JSON Schema says the same as the checker', async (t) => {
  let agreed = 0
  for (const { name, json } of vectors<{ name: string; json: string }>('action-accept.json')) {
    t.ok(matches(actionJsonSchema, JSON.parse(json) as CanonicalValue), name)
    agreed++
  }
  for (const vector of vectors<{ name: string; code: string; json?: string }>('action-reject.json')) {
    // What is only wrong in its bytes is no matter of a schema.
    if (vector.code !== 'malformed_action' || vector.json === undefined) continue
    t.notOk(matches(actionJsonSchema, JSON.parse(vector.json) as CanonicalValue), vector.name)
    agreed++
  }
  t.ok(agreed > 100, `${agreed} documents`)
})
