import type { Command } from 'commander'

import { problemError } from '../../runtime/api/problem.js'
import { LedgerError } from '../../ledger/errors.js'
import { parseSessionBundle } from '../../proofs/bundle.js'
import { formatStory, parseStory, verifyStory } from '../../proofs/incident-story.js'
import type { StoryStep, StoryVerification } from '../../proofs/incident-story.js'
import { MAX_POLICY_BYTES } from '../../proofs/policy.js'
import { setTimeout as pause } from 'node:timers/promises'
import { writeFile } from 'node:fs/promises'
import { readBounded } from '../bounded-input.js'
import type { CliContext, Flags } from '../context.js'
import { UsageError } from '../context.js'
import { printable } from '../printable.js'
import { success, withAccess } from './ledger-access.js'

const INCIDENT_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const MAX_STORY_BYTES = 256 * 1024 * 1024
/** How long entries that are on their way into the ledger are waited for. */
const SETTLE_MS = 10_000
const POLL_MS = 100

/** What the incidents say about the sessions of one. */
export interface Sessions {
  readonly sessions: readonly string[]
  readonly open: boolean
  /** Of the last one, those on their way to the ledger included. */
  readonly entries: number
}

/** Asks the incidents for the sessions of one, or throws what an operator can mend. */
export type SessionsOf = (flags: Flags, id: string) => Promise<Sessions>

/** `portcullis incidents export|verify` */
export const registerIncidentRecord = (
  command: (usage: string, description: string) => Command,
  context: CliContext,
  sessionsOf: SessionsOf,
): void => {
  command('export', 'write all that the ledger holds about an incident, which `verify` checks offline')
    .argument('<id>')
    .option('--out <file>', 'where to; standard output when left out')
    .action(async (id: string, _: unknown, self: Command) => {
      const flags = self.optsWithGlobals<Flags & { readonly out?: string }>()
      const { story } = await collect(context, flags, id, sessionsOf)
      if (flags.out === undefined) context.stdout.write(story)
      else await writeFile(flags.out, story, { mode: 0o600 })
    })

  command('verify', 'check the whole story of an incident: signed, complete, in order, closed or still open')
    .argument('<id-or-file>', 'an incident of this machine, or a file as `export` writes it')
    .option(
      '--trust <policyfile>',
      'the keys that you trust; default for an id: those of the ledger of this machine',
    )
    .option('--json', 'as one JSON object')
    .action(async (what: string, _: unknown, self: Command) => {
      const flags = self.optsWithGlobals<Flags & { readonly trust?: string; readonly json?: boolean }>()
      const trusted = flags.trust === undefined ? undefined : await readFileOf(flags.trust, MAX_POLICY_BYTES)
      let story: Uint8Array
      let policy = trusted
      if (INCIDENT_ID.test(what)) {
        const collected = await collect(context, flags, what, sessionsOf)
        story = collected.story
        policy ??= collected.policy
      } else {
        if (!trusted) throw new UsageError('--trust names the file with the keys that you trust')
        story = await readFileOf(what, MAX_STORY_BYTES)
      }
      const parsed = parseStory(story)
      if (INCIDENT_ID.test(what) && parsed.incident !== what)
        throw new UsageError('the story is of another incident')
      const result = verifyStory(parsed, policy ?? '', { clock: { now: () => Date.now() } })
      if (flags.json === true) context.stdout.write(`${JSON.stringify(report(parsed.incident, result))}\n`)
      else if (result.ok) context.stdout.write(text(parsed.incident, result))
      if (result.ok) return
      context.stderr.write(`${result.code}: ${result.message}\n`)
      context.setExitCode(1)
    })
}

/** The bundles of all sessions, once the ledger has what the incidents have. */
const collect = async (
  context: CliContext,
  flags: Flags,
  id: string,
  sessionsOf: SessionsOf,
): Promise<{ readonly story: Uint8Array; readonly policy: Uint8Array }> => {
  const { sessions, open, entries } = await sessionsOf(flags, id)
  let story = new Uint8Array(0)
  let policy = new Uint8Array(0)
  await withAccess(context, flags, async (access) => {
    const bundles: Uint8Array[] = []
    for (const [i, session] of sessions.entries()) {
      const isLast = i === sessions.length - 1
      const arrived = (body: Uint8Array): boolean => {
        const { state, actions } = recordOf(body)
        return isLast ? actions >= entries && (open || state === 'closed') : state === 'closed'
      }
      for (let waited = 0; ; waited += POLL_MS) {
        const state = await access.request({ target: `/v1/sessions/${encodeURIComponent(session)}` })
        if (state.status === 200 && arrived(state.body)) break
        if (waited >= SETTLE_MS) {
          if (state.status === 200) break
          throw problemError(state, 'ledger')
        }
        await pause(POLL_MS)
      }
      const bundle = success(await access.request({ target: `/v1/bundle/${encodeURIComponent(session)}` }))
      if (parseSessionBundle(bundle).next !== undefined)
        throw new LedgerError(
          'TOO_LARGE',
          `session ${session} is too long for one bundle; see ledger bundle --from`,
        )
      bundles.push(bundle)
    }
    story = Buffer.from(formatStory({ incident: id, bundles }))
    policy = Buffer.from(success(await access.request({ target: '/.well-known/ledger-policy' })))
  })
  return { story, policy }
}

const recordOf = (body: Uint8Array): { readonly state: string; readonly actions: number } => {
  const { completeness, agents } = JSON.parse(Buffer.from(body).toString('utf8')) as {
    readonly completeness: { readonly state: string }
    readonly agents: readonly { readonly actions: number }[]
  }
  return { state: completeness.state, actions: agents.reduce((sum, { actions }) => sum + actions, 0) }
}

const readFileOf = async (path: string, limit: number): Promise<Uint8Array> => {
  const bytes = await readBounded(path, limit)
  if (!bytes) throw new UsageError(`${path} is larger than any such file can be`)
  return bytes
}

const report = (
  incident: string,
  { ok, code, message, state, steps, sessions }: StoryVerification,
): object => ({
  incident,
  ok,
  ...(code !== undefined && { code, message }),
  ...(state !== undefined && { state }),
  sessions: sessions.length,
  steps: steps.map(({ session, index, action: { kind, id, ts } }) => ({ session, index, kind, id, ts })),
})

const text = (incident: string, { state, steps, sessions }: StoryVerification): string => {
  const tail = state === 'closed' ? 'closed: nothing is missing' : 'open: no gap, more may follow'
  const head = `ok: incident ${incident}, ${sessions.length} session(s), ${steps.length} entries, ${tail}\n`
  return head + steps.map(line).join('')
}

const line = ({ index, action }: StoryStep): string => {
  const by = typeof action['by'] === 'string' ? ` by ${printable(action['by'])}` : ''
  return `${String(index).padStart(8)}  ${new Date(action.ts).toISOString()}  ${action.kind}${by}\n`
}
