import { Engine } from '../../detectors/engine.js'
import { OWN_RULE_IDS } from '../../detectors/policy-match.js'
import type { HeaderList } from '../../detectors/request.js'
import type { GatewayCommand, PATCH_SHAPES } from '../../runtime/commands.js'
import { messageOf } from '../../runtime/errors.js'
import { nodeRuleFiles } from '../rule-files.js'
import type { AnswerRefusal } from './answer.js'

export type VirtualPatch = Extract<GatewayCommand['action'], { type: 'virtual_patch' }>
type Shape = (typeof PATCH_SHAPES)[number]

/** Rules of phase 12 under this product's own ids: two for each patch. */
const FIRST_ID = OWN_RULE_IDS + 12_000

/** What a harmless value looks like, and one that does. Each pattern is anchored and linear; an empty value is harmless. */
const SHAPES: { readonly [shape in Shape]: { readonly pattern: string; readonly sample: string } } = {
  integer: { pattern: '-?[0-9]+', sample: '7' },
  number: { pattern: '-?[0-9]+(?:\\.[0-9]+)?', sample: '7.5' },
  uuid: {
    pattern: '[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}',
    sample: '018f4a3e-0000-7000-8000-000000000000',
  },
  date: {
    pattern: '[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?Z?)?',
    sample: '2026-01-31',
  },
  word: { pattern: '[A-Za-z0-9_-]+', sample: 'a-b_1' },
  text: { pattern: '[A-Za-z0-9 .,_-]+', sample: 'a word, and 1.' },
}

const idsOf = (slot: number): readonly [number, number] => [FIRST_ID + slot * 2, FIRST_ID + slot * 2 + 1]

/**
 * The SecLang of a patch: on its path, and below it as servers with path parameters read it, every value of the variable has
 * the shape and the length, or the request is refused with 403. All that comes from outside was held to harmless characters
 * by the command's schema.
 */
export const patchRules = (patch: VirtualPatch, slot: number): string => {
  const path = patch.path.toLowerCase().replace(/\/$/, '')
  const pattern = `^${path.replace(/\./g, '\\.')}(?:[/;\\x00].*)?$`
  const about = `Virtual patch: ${patch.variable} takes ${patch.allow} only`
  const rule = (id: number, check: string): string =>
    [
      `SecRule REQUEST_FILENAME "@rx ${path === '' ? '^/*(?:;.*)?$' : pattern}" \\`,
      `  "id:${id},phase:2,deny,status:403,log,msg:'${about}',tag:'portcullis',tag:'portcullis/virtual_patch',\\`,
      `  t:none,t:urlDecodeUni,t:urlDecodeUni,t:normalizePathWin,t:lowercase,chain"`,
      `  SecRule ${patch.variable} ${check}`,
      '',
    ].join('\n')
  const [shape, length] = idsOf(slot)
  return (
    rule(shape, `"!@rx ^(?:${SHAPES[patch.allow].pattern})?$" "t:none"`) +
    rule(length, `"@gt ${patch.max_length}" "t:none,t:length"`)
  )
}

/**
 * Compiles a patch and tries it: it must refuse the evidence, each value in each way that the variable can be sent, and let
 * pass a harmless value, the path without the variable, and the evidence sent to another path.
 *
 * @returns why it may not serve; undefined when it may
 */
export const tryPatch = (patch: VirtualPatch): AnswerRefusal | undefined => {
  const refuse = (reason: string): AnswerRefusal => ({ code: 'ANSWER_PATCH', reason })
  let refuses: (request: Trial) => boolean
  try {
    const judge = bench().pipeline.patchedWith(patchRules(patch, 0))
    const ids: readonly (number | undefined)[] = idsOf(0)
    const engine = new Engine(judge)
    refuses = (request) => ids.includes(engine.judge(request).verdict.rule)
  } catch (error) {
    return refuse(`the rule does not compile: ${messageOf(error)}`)
  }
  const attacks = patch.evidence.flatMap((value) => trials(patch, patch.path, value))
  if (attacks.length === 0) return refuse('none of the evidence can be sent in this variable')
  if (!attacks.every(refuses))
    return refuse(
      `a value of the evidence passes as ${patch.allow} of at most ${patch.max_length} characters`,
    )
  const { sample } = SHAPES[patch.allow]
  if (sample.length <= patch.max_length && trials(patch, patch.path, sample).some(refuses))
    return refuse(`a harmless ${patch.allow} would be refused`)
  if (refuses({ method: 'GET', target: patch.path, headers: HOST }))
    return refuse('a request without the variable would be refused')
  const elsewhere = `/portcullis-trial${patch.path}`
  if (patch.evidence.flatMap((value) => trials(patch, elsewhere, value)).some(refuses))
    return refuse('a request to another path would be refused')
  return undefined
}

interface Trial {
  readonly method: string
  readonly target: string
  readonly headers: HeaderList
  readonly body?: Uint8Array
}

const HOST: HeaderList = [['Host', 'trial.invalid']]

/** Requests that carry a value in the variable; none when its bytes cannot be sent there. */
const trials = ({ variable }: VirtualPatch, path: string, value: string): Trial[] => {
  const colon = variable.indexOf(':')
  const collection = variable.slice(0, colon)
  const name = variable.slice(colon + 1)
  const pair = `${encodeURIComponent(name)}=${[...Buffer.from(value)].map(percent).join('')}`
  const inQuery: Trial = { method: 'GET', target: `${path}?${pair}`, headers: HOST }
  const inBody: Trial = {
    method: 'POST',
    target: path,
    headers: [
      ...HOST,
      ['Content-Type', 'application/x-www-form-urlencoded'],
      ['Content-Length', String(pair.length)],
    ],
    body: Buffer.from(pair),
  }
  const bytes = Buffer.from(value).toString('latin1')
  const inHeader = (field: string, text: string): Trial[] =>
    /[\0\r\n]/.test(text) ? [] : [{ method: 'GET', target: path, headers: [...HOST, [field, text]] }]
  switch (collection) {
    case 'ARGS_GET':
      return [inQuery]
    case 'ARGS_POST':
      return [inBody]
    case 'REQUEST_COOKIES':
      return bytes.includes(';') ? [] : inHeader('Cookie', `${name}=${bytes}`)
    case 'REQUEST_HEADERS':
      return inHeader(name, bytes)
    default:
      return [inQuery, inBody]
  }
}

const percent = (byte: number): string => `%${byte.toString(16).padStart(2, '0')}`

let engine: Engine | undefined

/** Base settings and no rules, so that only the patch itself decides. */
const bench = (): Engine =>
  (engine ??= Engine.load({
    files: nodeRuleFiles,
    config: {
      phases: Object.fromEntries(
        ['scanner', 'sql_injection', 'xss', 'rce', 'traversal'].map((name) => [name, { mode: 'off' }]),
      ),
    },
  }))
