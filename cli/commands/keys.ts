import { readFile, rename } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { randomBytes } from 'node:crypto'
import type { Command } from 'commander'
import { z } from 'zod'

import type { LedgerAccess } from '../../ledger/access.js'
import { NOTE_TYPE } from '../../ledger/api/message.js'
import { keyList } from '../../ledger/api/keys.js'
import { LedgerError } from '../../ledger/errors.js'
import { readIdentity } from '../../ledger/identity.js'
import { makeKeyFile, openKeyFile, readKey } from '../../ledger/key-file.js'
import {
  formatRequest,
  listRequests,
  makeRequest,
  parseRequest,
  readRequest,
} from '../../ledger/keys/request.js'
import type { KeyRequest } from '../../ledger/keys/request.js'
import { findRoot } from '../../ledger/keys/root.js'
import { rootSource } from '../../ledger/role.js'
import { decodeVkey, encodeVkey, isKeyName } from '../../proofs/note-key.js'
import type { NoteSigner } from '../../proofs/note-key.js'
import { signRegistration, signRevocation, signRotation } from '../../proofs/key-actions.js'
import type { KeyActionContext, RevocationCause } from '../../proofs/key-actions.js'
import { createPrivateFile, syncFolder } from '../../runtime/data-folder.js'
import { uuidv7 } from '../../runtime/uuid.js'
import type { CliContext, Flags } from '../context.js'
import { UsageError } from '../context.js'
import { success, withAccess } from './ledger-access.js'

interface KeysFlags extends Flags {
  readonly json?: boolean
  readonly out?: string
  readonly origin?: string
  readonly request?: string
  readonly purpose?: KeyRequest['purpose']
  readonly root?: string
  readonly key?: string
  readonly new?: string
  readonly keyId?: string
  readonly cause?: RevocationCause
  readonly reason?: string
}

type Key = z.output<typeof keyList>['keys'][number]

const PURPOSES = ['agent', 'tool', 'approver', 'witness'] as const
const CAUSES = ['compromised', 'superseded', 'retired', 'unspecified'] as const
const SOURCE = 'env:NAME, file:PATH or exec:["PROGRAM","ARGUMENT"]'

/** `portcullis keys`: who may sign entries of the ledger. */
export const registerKeys = (program: Command, context: CliContext): void => {
  const keys = program.command('keys').description('who may sign in the ledger').enablePositionalOptions()
  const command = (usage: string, description: string): Command =>
    keys
      .command(usage)
      .description(description)
      .option('--config <file>', 'configuration file (YAML)')
      .option('--data <dir>', 'folder of all state (./data)')
  const flagsOf = (self: Command): KeysFlags => self.optsWithGlobals<KeysFlags>()

  command('list', 'print the keys of the log, and what waits to be registered')
    .option('--json', 'as JSON')
    .action((_: unknown, self: Command) => list(context, flagsOf(self)))

  command('generate', 'make a key and, for a log, the request to register it')
    .argument('<name>', 'name of the agent, as it will stand in entries')
    .requiredOption('--out <file>', 'where the private key goes; the file must not be there')
    .option('--request <file>', 'where the request goes; with --origin')
    .option('--origin <origin>', 'origin of the log that is asked')
    .option('--purpose <purpose>', PURPOSES.join(', '), 'agent')
    .option('--json', 'as JSON')
    .action((name: string, _: unknown, self: Command) => generate(context, name, flagsOf(self)))

  command('register', 'register a key with the root key')
    .argument(
      '<request>',
      'a file with the request, or the name of an agent of this machine whose request waits',
    )
    .option('--root <source>', `the root key: ${SOURCE} (the one at hand)`)
    .option('--out <file>', 'write the signed entry there instead, for `ledger append`: needs no ledger')
    .option('--json', 'as JSON')
    .action((request: string, _: unknown, self: Command) => register(context, request, flagsOf(self)))

  command('rotate', 'hand over from a key to its successor; both sign')
    .argument('<name>', 'name of the agent')
    .requiredOption('--key <source>', `the old key: ${SOURCE}`)
    .option(
      '--new <source>',
      'the new key; when left out, one is made and takes the place of the file of the old',
    )
    .option('--json', 'as JSON')
    .action((name: string, _: unknown, self: Command) => rotate(context, name, flagsOf(self)))

  command('revoke', 'end a key, with the root key or with the key itself')
    .argument('<name>', 'name of the agent')
    .option('--key-id <id>', 'which of its keys, when several are valid')
    .option('--cause <cause>', CAUSES.join(', '), 'unspecified')
    .option('--reason <text>', 'why, in the entry')
    .option('--root <source>', `the root key: ${SOURCE} (the one at hand)`)
    .option('--key <source>', 'sign with the key itself')
    .option('--json', 'as JSON')
    .action((name: string, _: unknown, self: Command) => revoke(context, name, flagsOf(self)))
}

const readList = async (access: LedgerAccess): Promise<z.output<typeof keyList>> =>
  keyList.parse(
    JSON.parse(Buffer.from(success(await access.request({ target: '/v1/keys' }))).toString('utf8')),
  )

const list = async (context: CliContext, flags: KeysFlags): Promise<void> => {
  await initialised(context, flags)
  await withAccess(context, flags, async (access) => {
    const found = await readList(access)
    if (flags.json) return void context.stdout.write(`${JSON.stringify(found)}\n`)
    const lines = found.keys.map(
      ({ name, key_id: id, purpose, first, last, end }) =>
        `${purpose.padEnd(8)} ${name} ${id} ${first}-${last ?? ''}${end === undefined ? '' : ` ${end}`}`,
    )
    const requests = found.requests.map(
      ({ state, name, file, reason }) => `${state.padEnd(8)} ${name ?? file}: ${reason}`,
    )
    context.stdout.write([...lines, ...requests].map((line) => `${line}\n`).join(''))
  })
}

const generate = async (context: CliContext, name: string, flags: KeysFlags): Promise<void> => {
  const { out = '', origin, request } = flags
  if (!isKeyName(name)) throw new UsageError(`${name} cannot be the name of a key`)
  if ((origin === undefined) !== (request === undefined))
    throw new UsageError('a request names the log: --request and --origin come together')
  const purpose = oneOf('--purpose', PURPOSES, flags.purpose ?? 'agent')
  const key = await makeKeyFile(resolve(out), name)
  if (origin !== undefined && request !== undefined) {
    if (!(await createPrivateFile(resolve(request), formatRequest(makeRequest(key, origin, purpose)))))
      throw new UsageError(`${request} is there already`)
  }
  print(context, flags, { name, vkey: encodeVkey(key) })
}

const register = async (context: CliContext, given: string, flags: KeysFlags): Promise<void> => {
  const { config } = context.loadConfig(flags)
  const folder = join(resolve(config.data), 'ledger')
  const request = (await waitingRequest(folder, given)) ?? parseRequest(await readFile(given), given)
  const root = await rootKey(context, flags)
  const entry = signRegistration(request, root, place())
  if (flags.out !== undefined) {
    if (!(await createPrivateFile(resolve(flags.out), entry)))
      throw new UsageError(`${flags.out} is there already`)
    return
  }
  await initialised(context, flags)
  await withAccess(context, flags, (access) => post(context, access, flags, '/v1/keys', entry))
}

/** The request of an agent of this machine, by its name. */
const waitingRequest = async (folder: string, name: string): Promise<KeyRequest | undefined> => {
  const found: KeyRequest[] = []
  for (const file of await listRequests(folder)) {
    const request = await readRequest(folder, file)
    if (request !== undefined && !('error' in request) && request.name === name) found.push(request)
  }
  if (found.length > 1)
    throw new UsageError(`several requests of ${name} wait: name the file of one in ${folder}/requests`)
  return found[0]
}

const rotate = async (context: CliContext, name: string, flags: KeysFlags): Promise<void> => {
  const { origin } = await initialised(context, flags)
  refuseLogKey(name, origin)
  const { key: source = '' } = flags
  const file = source.startsWith('file:') ? resolve(source.slice('file:'.length)) : undefined
  if (flags.new === undefined && file === undefined)
    throw new UsageError('the successor of a key that is no file is named with --new')
  const previous = await readKey(source, context.env)
  if (previous.name !== name) throw new UsageError(`the key is the one of ${previous.name}, not of ${name}`)
  const successorFile = `${file}.next`
  const next =
    flags.new === undefined ? await openKeyFile(successorFile, name) : await readKey(flags.new, context.env)
  await withAccess(context, flags, async (access) => {
    const { keys } = await readList(access)
    // After a crash behind the entry only the file has to take its place.
    const isDone = keys.some(({ vkey }) => vkey === encodeVkey(next))
    if (!isDone) {
      const nonce = randomBytes(16).toString('hex')
      const entry = signRotation(previous, next, { origin, nonce }, place())
      await post(context, access, flags, `/v1/keys/${encodeURIComponent(name)}/rotate`, entry)
    }
    if (flags.new === undefined && file !== undefined) {
      await rename(successorFile, file)
      await syncFolder(dirname(file))
    }
  })
}

const revoke = async (context: CliContext, name: string, flags: KeysFlags): Promise<void> => {
  const cause = oneOf('--cause', CAUSES, flags.cause ?? 'unspecified')
  if (flags.key !== undefined && flags.root !== undefined)
    throw new UsageError('one key signs: --key or --root')
  const { origin } = await initialised(context, flags)
  refuseLogKey(name, origin)
  const signer =
    flags.key === undefined ? await rootKey(context, flags) : await readKey(flags.key, context.env)
  await withAccess(context, flags, async (access) => {
    const key = subjectOf((await readList(access)).keys, name, flags.keyId)
    const entry = signRevocation(decodeVkey(key.vkey), signer, cause, {
      ...place(),
      ...(flags.reason !== undefined && { reason: flags.reason }),
    })
    await post(context, access, flags, `/v1/keys/${encodeURIComponent(name)}/revoke`, entry)
  })
}

const subjectOf = (keys: readonly Key[], name: string, id: string | undefined): Key => {
  const valid = keys.filter(
    (key) => key.name === name && key.last === undefined && (id === undefined || key.key_id === id),
  )
  const [key] = valid
  if (key === undefined) throw new UsageError(`${name} has no valid key${id === undefined ? '' : ` ${id}`}`)
  if (valid.length > 1)
    throw new UsageError(
      `${name} has several valid keys: name one with --key-id (${valid.map(({ key_id: one }) => one).join(', ')})`,
    )
  return key
}

const rootKey = async (context: CliContext, flags: KeysFlags): Promise<NoteSigner> => {
  if (flags.root !== undefined) return readKey(flags.root, context.env)
  const { config } = context.loadConfig(flags)
  const source = rootSource({ data: resolve(config.data), config: config.ledger, env: context.env })
  const root = await findRoot(source)
  if (root === undefined) throw new UsageError(`the root key is not at hand: name it with --root ${SOURCE}`)
  return root
}

/** The entries about keys name who signs entries; the log's own key signs checkpoints, and policies alone say which. */
const refuseLogKey = (name: string, origin: string): void => {
  if (name !== origin) return
  throw new UsageError(
    `${origin} is the log itself, whose key no entry can rotate or revoke. When it is stolen: stop the ledger, close its ` +
      'log with a last export, begin a new one (`portcullis ledger init` on an empty data folder), and take the `log` line ' +
      'of the old one out of every policy',
  )
}

/** A key command must not begin a log. */
const initialised = async (context: CliContext, flags: KeysFlags): Promise<{ readonly origin: string }> => {
  const folder = join(resolve(context.loadConfig(flags).config.data), 'ledger')
  const identity = await readIdentity(folder)
  if (identity === undefined) throw new LedgerError('NOT_INITIALISED', `there is no log in ${folder} yet`)
  return identity
}

/** A key entry stands alone in a session of its own. */
const place = (): KeyActionContext => {
  const now = Date.now()
  return { id: uuidv7(now), session: `key-${uuidv7(now)}`, ts: now }
}

const answer = z.object({ entries: z.array(z.object({ index: z.int() })).length(1) })

const post = async (
  context: CliContext,
  access: LedgerAccess,
  flags: KeysFlags,
  target: string,
  body: Uint8Array,
): Promise<void> => {
  const given = await access.request({
    method: 'POST',
    target,
    contentType: NOTE_TYPE,
    accept: 'application/json',
    body,
  })
  const { entries } = answer.parse(JSON.parse(Buffer.from(success(given)).toString('utf8')))
  print(context, flags, { index: entries[0]?.index ?? 0 })
}

const print = (
  context: CliContext,
  flags: KeysFlags,
  facts: Readonly<Record<string, string | number>>,
): void => {
  const lines = Object.entries(facts).map(([name, value]) => `${name} ${value}\n`)
  context.stdout.write(flags.json ? `${JSON.stringify(facts)}\n` : lines.join(''))
}

const oneOf = <T extends string>(flag: string, words: readonly T[], given: string): T => {
  const found = words.find((word) => word === given)
  if (found === undefined) throw new UsageError(`${flag} is one of ${words.join(', ')}`)
  return found
}
