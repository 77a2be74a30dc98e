import type { ActionPayload } from './action.js'
import { parseSessionBundle } from './bundle.js'
import { encodeHex } from './bytes.js'
import { isCanonicalObject } from './canonical-json.js'
import type { CanonicalValue } from './canonical-json.js'
import { parseContainer, formatContainer, Members } from './container.js'
import { parseEntry } from './entry.js'
import { ProofError } from './errors.js'
import { leafHash } from './merkle.js'
import type { Policy } from './policy.js'
import type { CompletenessState } from './session.js'
import type { Verification } from './verification.js'
import { verifyBundle } from './verify.js'
import type { VerifyOptions } from './verify.js'

/** Member `format` of the story of an incident. */
export const STORY_FORMAT = 'portcullis.dev/incident/v1'
const CODE = 'malformed_bundle'
/** Sessions that one incident can have: each re-opening begins another. */
const MAX_SESSIONS = 1000
const MAX_STORY_BYTES = 256 * 1024 * 1024

/** All that the ledger holds about an incident: the bundle of each of its sessions, in order. */
export interface IncidentStory {
  readonly incident: string
  readonly bundles: readonly Uint8Array[]
}

/** A step, as the ledger has it. */
export interface StoryStep {
  readonly session: string
  readonly action: ActionPayload
  /** Log index. */
  readonly index: number
}

export interface StoryVerification {
  readonly ok: boolean
  /** Of what does not hold. */
  readonly code?: string
  readonly message?: string
  /** `closed` when the last session ends in its close; `open` when more may follow. */
  readonly state?: CompletenessState
  /** What happened, in order; only of what was verified. */
  readonly steps: readonly StoryStep[]
  /** One for each session. */
  readonly sessions: readonly Verification[]
}

/** Writes the file of a story: canonical JSON and a newline. */
export function formatStory({ incident, bundles }: IncidentStory): Uint8Array {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  return formatContainer({
    format: STORY_FORMAT,
    incident,
    sessions: bundles.map((bundle) => decoder.decode(bundle)),
  })
}

/** @throws ProofError `malformed_bundle`, `not_canonical`, `too_large` */
export function parseStory(bytes: Uint8Array): IncidentStory {
  const value = parseContainer(bytes, CODE, { maxBytes: MAX_STORY_BYTES, maxDepth: 2 })
  const members = new Members(value, CODE, 'story', ['format', 'incident', 'sessions'])
  if (members.string('format') !== STORY_FORMAT)
    throw new ProofError(CODE, `story.format is not ${STORY_FORMAT}`)
  const bundles = members.list('sessions', MAX_SESSIONS).map((bundle) => {
    if (typeof bundle !== 'string') throw new ProofError(CODE, 'a session of the story is no text')
    return new TextEncoder().encode(bundle)
  })
  if (bundles.length === 0) throw new ProofError(CODE, 'the story has no session')
  return { incident: members.string('incident'), bundles }
}

/**
 * Verifies the whole story of an incident offline: each session is signed, in the log and without a gap; each entry names the
 * one before it; a later session continues the close of the one before; the first thing that happened is that the incident
 * was opened, and every step is about it. Never throws on hostile bytes.
 */
export function verifyStory(
  { incident, bundles }: IncidentStory,
  policy: Policy | Uint8Array | string,
  options: Pick<VerifyOptions, 'clock'> = {},
): StoryVerification {
  const sessions: Verification[] = []
  const steps: StoryStep[] = []
  let before: string | undefined
  let state: CompletenessState | undefined
  try {
    for (const [i, bundle] of bundles.entries()) {
      const session = i === 0 ? `i-${incident}` : `i-${incident}.${i + 1}`
      if (i > 0 && state !== 'closed')
        throw new ProofError('seq_gap', `${session} begins although the session before it is ${state}`)
      const verified = verifyBundle(bundle, policy, { ...options, session })
      sessions.push(verified)
      if (!verified.ok) {
        const failed = verified.checks.find(({ result }) => result === 'fail')
        return {
          ok: false,
          code: verified.code ?? 'not_checked',
          message: `${session}: ${failed?.message ?? 'a check was not made'}`,
          steps,
          sessions,
        }
      }
      state = verified.session?.state === 'closed' ? 'closed' : 'open'
      before = follow(bundle, session, before, steps)
    }
    checkSteps(incident, steps)
  } catch (error) {
    if (!(error instanceof ProofError)) throw error
    return { ok: false, code: error.machineCode, message: error.message, steps, sessions }
  }
  return { ok: true, ...(state !== undefined && { state }), steps, sessions }
}

/**
 * Adds the steps of a session whose entries each name the one before. The numbers and parents that the agent signed are the
 * order; in the log they can stand otherwise, when entries waited there for the agent's key to be registered.
 *
 * @returns leaf hash of the last
 */
function follow(
  bundle: Uint8Array,
  session: string,
  before: string | undefined,
  steps: StoryStep[],
): string | undefined {
  const entries = parseSessionBundle(bundle).entries.flatMap(({ index, entry }) => {
    const parsed = parseEntry(entry)
    return parsed.type === 'seal' ? [] : [{ index, action: parsed.action, leaf: encodeHex(leafHash(entry)) }]
  })
  let last = before
  for (const [next, { index, action, leaf }] of entries
    .toSorted((a, b) => a.action.seq - b.action.seq)
    .entries()) {
    if (action.seq !== next)
      throw new ProofError('seq_gap', `${session}: entry ${index} is number ${action.seq}, not ${next}`)
    const parents = action.parents ?? []
    if (last === undefined ? parents.length > 0 : !parents.includes(last))
      throw new ProofError('wrong_session', `${session}: entry ${index} does not name the entry before it`)
    steps.push({ session, action, index })
    last = leaf
  }
  return last
}

function checkSteps(incident: string, steps: readonly StoryStep[]): void {
  const told = steps.filter(({ action }) => action.kind !== 'session.open' && action.kind !== 'session.close')
  const [first] = told
  if (first?.action.kind !== 'incident.opened')
    throw new ProofError('wrong_session', 'the story does not begin with the opening of the incident')
  for (const { action, index } of told) {
    const about = action['incident']
    if (about !== undefined && idOf(about) !== incident)
      throw new ProofError('wrong_session', `entry ${index} is about another incident`)
  }
}

function idOf(value: CanonicalValue): CanonicalValue | undefined {
  return isCanonicalObject(value) && Object.hasOwn(value, 'id') ? value['id'] : undefined
}
