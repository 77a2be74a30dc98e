import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'

import type { LedgerAccess } from '../../ledger/access.js'
import { BodyStore } from '../../ledger/client/body-store.js'
import { encodeHex } from '../../proofs/bytes.js'
import { isCanonicalObject } from '../../proofs/canonical-json.js'
import type { CanonicalObject } from '../../proofs/canonical-json.js'
import { discloseFields, formatOpening } from '../../proofs/commitment.js'
import type { Opening } from '../../proofs/commitment.js'
import { parseEntry } from '../../proofs/entry.js'
import { leafHash } from '../../proofs/hashing.js'
import type { CliContext, Flags } from '../context.js'
import { UsageError } from '../context.js'
import { collect } from '../flags.js'
import { success, withAccess } from './ledger-access.js'
import { appendAction } from './ledger-append.js'

interface BodyFlags extends Flags {
  readonly agent?: string
  readonly member?: string
  readonly field?: readonly string[]
  readonly opening?: boolean
  readonly out?: string
  readonly olderThan?: string
  readonly reason?: string
}

const DAY_MS = 86_400_000
const clock = { now: () => Date.now() }

/** Where the bodies of a data folder are. */
export const bodyStore = (data: string): BodyStore => new BodyStore(join(data, 'ledger', 'bodies'))

/** `ledger body` and `ledger redact`: what the commitments of entries are to. */
export const registerLedgerBody = (
  command: (usage: string, description: string) => Command,
  context: CliContext,
): void => {
  command('body', 'print the body that an entry commits to, as long as it was not erased')
    .argument('<entry>', 'its index, or its id')
    .option('--agent <name>', 'the agent, when several used the id')
    .option('--member <name>', 'which commitment, when the entry has several: in, out, body')
    .option('--opening', 'with its salt, as `verify --opening` checks it')
    .option('--field <name>', 'of a body of fields this one alone (repeatable); implies --opening', collect)
    .option('--out <file>', 'where to; standard output when left out')
    .action((entry: string, _: unknown, self: Command) => {
      const flags = self.optsWithGlobals<BodyFlags>()
      return withAccess(context, flags, async (access, data) => {
        const bytes = shown(await kept(await readEntry(access, entry, flags.agent), data, flags), flags)
        if (flags.out === undefined) context.stdout.write(bytes)
        else await writeFile(flags.out, bytes, { mode: 0o600 })
      })
    })

  command('redact', 'erase the bodies and salts behind an entry, and append that this was done')
    .argument('[entry]', 'its index, or its id')
    .option('--older-than <days>', 'of all entries instead, whose bodies were kept for longer')
    .option('--agent <name>', 'the agent that redacts; its key is made on first use', 'cli')
    .option('--reason <text>', 'why')
    .action((entry: string | undefined, _: unknown, self: Command) => {
      const flags = self.optsWithGlobals<BodyFlags>()
      if ((entry === undefined) === (flags.olderThan === undefined))
        throw new UsageError('name an entry, or say --older-than')
      const days = flags.olderThan === undefined ? undefined : daysOf(flags.olderThan)
      return withAccess(context, flags, async (access, data) => {
        const report = (line: object): void => void context.stdout.write(`${JSON.stringify(line)}\n`)
        if (entry !== undefined) report(await redact(access, data, await readEntry(access, entry), flags))
        if (days === undefined) return
        const before = clock.now() - days * DAY_MS
        for await (const { hash, kept: since } of bodyStore(data).list()) {
          if (since >= before) continue
          const [index] = await lookUp(access, `commitment=${hash}`)
          // Committed to, and never appended: nothing refers to it.
          if (index === undefined) report({ hash, erased: Number(await bodyStore(data).erase(hash)) })
          else report(await redact(access, data, await readEntry(access, String(index)), flags))
        }
      })
    })
}

interface NamedEntry {
  readonly leaf: string
  /** Members of the action that are commitments. */
  readonly commitments: readonly { readonly member: string; readonly hash: string }[]
}

const readEntry = async (access: LedgerAccess, name: string, agent?: string): Promise<NamedEntry> => {
  const query = agent === undefined ? '' : `?agent=${encodeURIComponent(agent)}`
  const bytes = success(await access.request({ target: `/v1/entries/${encodeURIComponent(name)}${query}` }))
  const entry = parseEntry(bytes)
  const members = entry.type === 'seal' ? [] : Object.entries(entry.action)
  const commitments = members.flatMap(([member, value]) => {
    if (!isCanonicalObject(value) || typeof value['alg'] !== 'string') return []
    return typeof value['hash'] === 'string' ? [{ member, hash: value['hash'] }] : []
  })
  return { leaf: encodeHex(leafHash(bytes)), commitments }
}

const kept = async ({ commitments }: NamedEntry, data: string, flags: BodyFlags): Promise<Opening> => {
  const named = commitments.filter(({ member }) => flags.member === undefined || member === flags.member)
  const [first] = named
  if (first === undefined) throw new UsageError(`the entry has no commitment ${flags.member ?? ''}`.trim())
  if (named.length > 1)
    throw new UsageError(`--member names one of ${named.map(({ member }) => member).join(', ')}`)
  const opening = await bodyStore(data).open(first.hash)
  if (opening === undefined)
    throw Object.assign(new Error(`no body is kept for ${first.member}: it is elsewhere, or was erased`), {
      code: 'NOT_FOUND',
    })
  return opening
}

const shown = (opening: Opening, { field, opening: whole }: BodyFlags): Uint8Array => {
  if (opening.alg === 'hmac-sha256') {
    if (field !== undefined) throw new UsageError('--field: the body is committed to as a whole')
    return whole ? formatOpening(opening) : opening.body
  }
  if (field !== undefined) return formatOpening(discloseFields(opening, field))
  if (whole) return formatOpening(opening)
  const fields = Object.fromEntries(opening.fields.map(({ name, value }) => [name, value]))
  return Buffer.from(`${JSON.stringify(fields)}\n`)
}

/** Erases first: an entry must not say what did not happen yet. Said again, it is recorded again. */
const redact = async (
  access: LedgerAccess,
  data: string,
  { leaf, commitments }: NamedEntry,
  { agent = 'cli', reason }: BodyFlags,
): Promise<object> => {
  const [index] = await lookUp(access, `leaf=${leaf}`)
  if (commitments.length === 0 || index === undefined)
    throw new UsageError('the entry commits to nothing that could be erased')
  const store = bodyStore(data)
  let erased = 0
  for (const { hash } of commitments) erased += Number(await store.erase(hash))
  const action: CanonicalObject = {
    kind: 'redaction',
    redacts: { index, leaf },
    hashes: [...new Set(commitments.map(({ hash }) => hash))],
    ...(reason !== undefined && { reason }),
  }
  const redaction = await appendAction(access, { data, agent, clock }, action)
  return { redacts: index, erased, ...redaction }
}

const lookUp = async (access: LedgerAccess, query: string): Promise<readonly number[]> => {
  const answer: unknown = JSON.parse(
    Buffer.from(success(await access.request({ target: `/v1/lookup?${query}` }))).toString('utf8'),
  )
  const entries: unknown =
    typeof answer === 'object' && answer !== null && 'entries' in answer ? answer.entries : []
  return Array.isArray(entries) ? entries.filter((index) => typeof index === 'number') : []
}

const daysOf = (text: string): number => {
  const days = Number(text)
  if (text.trim() === '' || !Number.isFinite(days) || days < 0)
    throw new UsageError('--older-than takes a number of days')
  return days
}
