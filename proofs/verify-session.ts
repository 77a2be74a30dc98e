import { checkAnchor } from './anchor-check.js'
import type { BundleEntry, SessionBundle } from './bundle.js'
import { parseEntry, sessionOf, verifyEntry } from './entry.js'
import type { Entry } from './entry.js'
import { attempt, ProofError } from './errors.js'
import type { ProofCode } from './errors.js'
import { leafHash } from './merkle.js'
import { assertAllIncluded } from './multi-proof.js'
import type { Policy } from './policy.js'
import { checkSealedActions } from './seal.js'
import type { SealedAction } from './seal.js'
import { assertSession, sessionCompleteness, worstState } from './session.js'
import type { NoteVerification } from './signed-note.js'
import { checkHead, TrustedAgents } from './trust.js'
import type { Checks, SessionReport, Verification } from './verification.js'
import type { VerifyOptions } from './verify.js'

interface ReadEntry extends BundleEntry {
  readonly parsed: Entry
}

/** States of a session that a verifier must not take for whole. */
const INCOMPLETE: Partial<Record<SessionReport['state'], ProofCode>> = {
  gap: 'seq_gap',
  forked: 'forked',
  truncated: 'truncated',
}

/** Verifies a session bundle that is already parsed, under a policy that is. */
export function verifySessionBundle(
  bundle: SessionBundle,
  policy: Policy,
  options: VerifyOptions,
  checks: Checks,
): Verification {
  const head = checkHead(bundle.checkpoint, policy, options.clock, checks)
  const leaves = bundle.entries.map(({ index, entry }) => ({ index, leaf: leafHash(entry) }))
  if (head !== undefined) {
    checks.run('inclusion', `${leaves.length} entries are in the tree of ${head.size} entries`, () =>
      assertAllIncluded(leaves, head.size, bundle.proof, head.root),
    )
  }
  const entries = checks.run('entry', 'every entry is well formed', () => bundle.entries.map(readEntry))
  if (head !== undefined) checkAnchor(bundle.anchor, head, policy, options.chain, checks)
  const about = head === undefined ? {} : { origin: head.origin, size: head.size }
  if (entries === undefined) return checks.finish(about)
  checks.run('session', `every entry is of ${bundle.session}`, () => {
    assertSession(bundle.session, options.session ?? bundle.session)
    for (const entry of entries) at(entry, () => assertSession(sessionOf(entry.parsed), bundle.session))
  })
  checkSeals(entries, checks)
  checkSignatures(entries, new TrustedAgents(policy), checks)
  return checks.finish({ ...about, session: checkCompleteness(bundle, entries, checks) })
}

/** Runs a check of one entry; what it throws says which entry it is about. */
function at<T>({ index }: BundleEntry, work: () => T): T {
  const outcome = attempt(work)
  if ('value' in outcome) return outcome.value
  const { machineCode, message } = outcome.error
  throw new ProofError(machineCode, `entry ${index}: ${message}`, { cause: outcome.error })
}

function readEntry(entry: BundleEntry): ReadEntry {
  return { ...entry, parsed: at(entry, () => parseEntry(entry.entry)) }
}

/** Each seal covers exactly the unsigned actions right before it, and each unsigned action is under one. */
function checkSeals(entries: readonly ReadEntry[], checks: Checks): void {
  if (!entries.some(({ parsed }) => parsed.type !== 'action')) {
    checks.skip('seal', 'every entry has signatures of its own')
    return
  }
  checks.run('seal', 'every unsigned action is under its seal', () => {
    let batch: (SealedAction & { readonly index: number })[] = []
    for (const entry of entries) {
      const { parsed } = entry
      const last = batch.at(-1)
      if (last !== undefined && last.index + 1 !== entry.index) throw unsealed(batch)
      if (parsed.type === 'sealed') {
        batch.push({ index: entry.index, action: parsed.action, leaf: leafHash(entry.entry) })
      } else if (parsed.type === 'seal') {
        const sealed = batch
        at(entry, () => checkSealedActions(parsed.seal, sealed))
        batch = []
      } else if (last !== undefined) throw unsealed(batch)
    }
    if (batch.length > 0) throw unsealed(batch)
  })
}

function unsealed(batch: readonly Pick<BundleEntry, 'index'>[]): ProofError {
  return new ProofError('unsigned', `entry ${batch[0]?.index}: no seal follows this unsigned action`)
}

function checkSignatures(entries: readonly ReadEntry[], agents: TrustedAgents, checks: Checks): void {
  const signed = checks.run('signature', 'every action or its seal is signed by keys of the policy', () =>
    entries.flatMap((entry): { entry: ReadEntry; verification: NoteVerification }[] => {
      const { parsed } = entry
      if (parsed.type === 'sealed') return []
      const verifiers = agents.verifiersFor(parsed.note.signatures)
      return [{ entry, verification: at(entry, () => verifyEntry(parsed, verifiers)) }]
    }),
  )
  if (signed === undefined) return
  checks.run('key_validity', 'the keys were valid at their indexes', () => {
    for (const { entry, verification } of signed)
      at(entry, () => agents.assertValidAt(entry.index, verification))
  })
}

function checkCompleteness(
  bundle: SessionBundle,
  entries: readonly ReadEntry[],
  checks: Checks,
): SessionReport {
  const agents = sessionCompleteness(
    entries.flatMap(({ parsed, entry }) =>
      parsed.type === 'seal' ? [] : [{ action: parsed.action, leaf: leafHash(entry) }],
    ),
  )
  const isPart = bundle.from !== undefined || bundle.next !== undefined
  const worst = worstState(agents.map(({ state }) => state))
  const state = isPart && worst !== 'forked' ? 'truncated' : worst
  const code = INCOMPLETE[state]
  const culprit = agents.find((one) => one.state === state)
  const whose = culprit === undefined ? '' : ` by the entries of ${culprit.agent}`
  if (code === undefined) checks.pass('completeness', completenessMessage(state))
  else if (state === 'truncated')
    checks.fail(
      'completeness',
      code,
      `the bundle is a part: from ${bundle.from ?? 0} to ${bundle.next ?? 'the end'}`,
    )
  else checks.fail('completeness', code, `the session is ${state}${whose}`)
  return { name: bundle.session, state, agents, entries: entries.length }
}

function completenessMessage(state: SessionReport['state']): string {
  return state === 'closed' ? 'closed: nothing is missing' : 'open: no gap, but its tail could be missing'
}
