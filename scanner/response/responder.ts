import { realpathSync } from 'node:fs'
import type { ScannerCommand } from '../../runtime/commands.js'
import { codeOf, messageOf } from '../../runtime/errors.js'
import { ScanError } from '../errors.js'
import { HeldFile, type JudgedBytes } from '../held-file.js'
import type { StoredItem, Vault } from '../quarantine/vault.js'
import { isRead, type FileResult } from '../verdict.js'
import { endHolder, holdersOf } from './holders.js'
import type { Entry, Outcome } from './outcome.js'
import type { ResponseStore } from './store.js'

/** `scanner.response` in the configuration. */
export interface ResponsePolicy {
  readonly dry_run: boolean
  readonly kill: boolean
}

export interface ResponderDeps {
  readonly vault: Vault
  readonly store: ResponseStore
  readonly policy: ResponsePolicy
  /** The data folder, absolute: nothing in it is ever touched. */
  readonly data: string
  /** Judges a file as it is now. Without it only what a person has decided is carried out. */
  readonly judge?: (path: Buffer) => Promise<FileResult>
  readonly now: () => number
}

type Action = ScannerCommand['action']
type FileAction = Extract<Action, { readonly path: string }>

/** What a decision rests on besides the command. */
interface Case {
  readonly command: ScannerCommand
  readonly isPerson: boolean
  readonly isDry: boolean
  /** It was begun before a crash: what it would do may be done. */
  readonly resumed: boolean
}

/** Whether a person has decided, rather than a playbook or a policy. */
const isPersons = ({ by }: Pick<ScannerCommand, 'by'>): boolean => by.startsWith('person:')

/**
 * Carries out what is asked of the scanner, each thing after a look of its own: a command asks, the scanner decides.
 * - What no person has decided is done only to a file that the scanner itself, now, calls malicious; a model alone never
 *   makes a file that.
 * - What cannot be undone (deleting), or puts a found file back, takes a person.
 */
export class Responder {
  constructor(readonly deps: ResponderDeps) {}

  /** @param resumed the command may have been carried out before a crash @returns always; a failure is a refusal */
  async carryOut(command: ScannerCommand, resumed = false): Promise<Outcome> {
    try {
      if (command.expires !== undefined && command.expires <= this.deps.now() && !resumed)
        throw new ScanError('RESPONSE_EXPIRED', 'its time was over before it could be carried out')
      return await this.#act({ command, isPerson: isPersons(command), isDry: this.isDry(command), resumed })
    } catch (error) {
      return { type: 'refused', code: codeOf(error) ?? 'RESPONSE_FAILED', reason: messageOf(error) }
    }
  }

  /** Whether it is only checked and reported. */
  isDry(command: ScannerCommand): boolean {
    return command.dry_run || this.deps.policy.dry_run
  }

  #act(asked: Case): Promise<Outcome> {
    const { action } = asked.command
    switch (action.type) {
      case 'quarantine':
        return this.#quarantine(asked, action)
      case 'delete':
        return this.#delete(asked, action)
      case 'kill':
        return this.#kill(asked, action)
      case 'block_hash':
        return this.#block(asked, action.sha256)
      case 'restore':
        return this.#restore(asked, action.item)
      case 'revoke':
        return this.#revoke(asked, action.command)
    }
  }

  async #quarantine(asked: Case, action: FileAction): Promise<Outcome> {
    const { id } = asked.command
    const path = this.#pathOf(action)
    if (asked.resumed) {
      const stored = await this.#stored(id)
      if (stored && !(await lies(path, action.sha256))) return quarantined(asked, stored)
    }
    const judged = await this.#check(asked, action, path)
    if (asked.isDry) return dry(`${action.path} would be moved into the vault`)
    return quarantined(asked, await this.deps.vault.store(path, judged, judged.reasons, id))
  }

  async #delete(asked: Case, action: FileAction): Promise<Outcome> {
    if (!asked.isPerson) throw needsPerson('a file is deleted for good')
    const path = this.#pathOf(action)
    const deleted = (done: string): Outcome => {
      const members = { file: { sha256: action.sha256 }, ...causeOf(asked) }
      return { type: 'applied', done, entries: [{ kind: 'file.deleted', members }] }
    }
    if (asked.resumed && !(await lies(path, action.sha256))) return deleted(`${action.path} is gone`)
    return withFile(path, action.sha256, async (file) => {
      if (asked.isDry) return dry(`${action.path} would be deleted${linksLeft(file.hardLinks)}`)
      await file.removeName()
      await file.held.folder.sync()
      return deleted(`deleted ${action.path}${linksLeft(file.hardLinks)}`)
    })
  }

  async #kill(asked: Case, action: FileAction): Promise<Outcome> {
    if (!this.deps.policy.kill)
      throw new ScanError('RESPONSE_OFF', 'ending processes is off; scanner.response.kill turns it on')
    const path = this.#pathOf(action)
    await this.#check(asked, action, path)
    return withFile(path, action.sha256, async ({ stat }) => {
      const { found, unseen } = await holdersOf(stat)
      const unseenToo = unseen === 0 ? '' : `; ${unseen} processes could not be looked into`
      if (found.length === 0 && !asked.resumed)
        throw new ScanError('RESPONSE_NOT_HELD', `no process holds ${action.path}${unseenToo}`)
      const names = found.map(({ pid, name }) => `${pid} (${name})`).join(', ')
      if (asked.isDry) return dry(`processes ${names} would be ended${unseenToo}`)
      const ended = []
      const said = []
      for (const holder of found) {
        const end = await endHolder(holder, stat)
        said.push(`${holder.pid} (${holder.name}) ${end}`)
        if (end === 'ended') ended.push(holder)
      }
      return {
        type: 'applied',
        done: `processes that held ${action.path}: ${said.join(', ') || 'none is left'}${unseenToo}`,
        entries: ended.map(({ pid, name }) => ({
          kind: 'process.ended',
          members: {
            process: { pid, ...(name === '' ? {} : { name }) },
            file: { sha256: action.sha256 },
            ...causeOf(asked),
          },
        })),
      }
    })
  }

  async #block(asked: Case, sha256: string): Promise<Outcome> {
    const { command } = asked
    const level = asked.isPerson ? 'malicious' : 'suspicious'
    if (asked.isDry) return dry(`files with this digest would be ${level}`)
    const { expires, incident } = command
    const entry = await this.deps.store.block(sha256, {
      level,
      by: command.by,
      command: command.id,
      ...(incident === undefined ? {} : { incident }),
      since: this.deps.now(),
      ...(expires === undefined ? {} : { expires }),
    })
    const until = entry.expires === undefined ? {} : { expires: entry.expires }
    return {
      type: 'applied',
      done: `files with this digest are ${entry.level}`,
      ...until,
      entries: [
        {
          kind: 'hash.blocked',
          members: { file: { sha256 }, level: entry.level, ...until, ...causeOf(asked) },
        },
      ],
    }
  }

  async #restore(asked: Case, id: string): Promise<Outcome> {
    if (!asked.isPerson) throw needsPerson('a file that was found is put back')
    const { vault } = this.deps
    const item = asked.resumed ? await this.#stored(id) : await vault.show(id)
    if (!item && asked.resumed) return { type: 'applied', done: 'put back before a restart', entries: [] }
    if (asked.isDry) return dry(`${item?.path ?? id} would be put back`)
    const restored = await vault.restore(id)
    const entries = [vaultEntry('quarantine.restored', restored, asked)]
    return { type: 'applied', done: `put back ${restored.path}`, entries }
  }

  async #revoke(asked: Case, id: string): Promise<Outcome> {
    const before = this.deps.store.takenUp(id)
    const outcome = before?.outcome
    if (!before || outcome?.type !== 'applied')
      throw new ScanError('RESPONSE_NOT_UNDONE', `no command ${id} was carried out here`)
    if (!asked.isPerson && before.by !== asked.command.by)
      throw needsPerson(`what ${before.by} has decided is undone`)
    if (outcome.quarantine !== undefined) return this.#restore(asked, outcome.quarantine)
    const sha256 = this.deps.store.list(0).find(([, { command }]) => command === id)?.[0]
    if (sha256 === undefined)
      throw new ScanError('RESPONSE_NOT_UNDONE', 'it cannot be undone, or is undone already')
    if (asked.isDry) return dry('the digest would be blocked no longer')
    await this.deps.store.unblock(sha256, id)
    return {
      type: 'applied',
      done: 'the digest is blocked no longer',
      entries: [{ kind: 'hash.unblocked', members: { file: { sha256 }, ...causeOf(asked) } }],
    }
  }

  /** @throws ScanError for a path that is nobody's to touch */
  #pathOf(action: FileAction): Buffer {
    const path =
      action.path_base64 === undefined ? Buffer.from(action.path) : Buffer.from(action.path_base64, 'base64')
    // By whatever way the path leads there.
    const real = realOf(path)
    const isInside = (folder: string): boolean =>
      real.equals(Buffer.from(folder)) || real.toString('latin1').startsWith(latin1(`${folder}/`))
    if (isInside(realpathSync(this.deps.data)) || isInside(realpathSync(process.execPath)))
      throw new ScanError('RESPONSE_PROTECTED', `${action.path} belongs to the scanner itself`)
    return path
  }

  /** Whether this may be done to the file. A person's word needs only the file that it was said of. */
  async #check(
    asked: Case,
    action: FileAction,
    path: Buffer,
  ): Promise<JudgedBytes & { readonly reasons: readonly string[] }> {
    if (asked.isPerson)
      return withFile(path, action.sha256, async ({ size }) => ({
        sha256: action.sha256,
        size,
        reasons: [asked.command.by],
      }))
    if (!this.deps.judge) throw needsPerson('the file is not judged here, and something is done to it')
    const result = await this.deps.judge(path)
    if (!isRead(result) || result.sha256 !== action.sha256)
      throw new ScanError('QUARANTINE_CHANGED', `${action.path} is no longer the file that was judged`)
    if (result.verdict !== 'malicious')
      throw new ScanError(
        'RESPONSE_NOT_MALICIOUS',
        `${action.path} is ${result.verdict}; without a person only a malicious file is acted upon`,
      )
    const { sha256, size, reasons } = result
    return { sha256, size, reasons: reasons.map(({ rule }) => rule) }
  }

  async #stored(id: string): Promise<StoredItem | undefined> {
    try {
      return await this.deps.vault.show(id)
    } catch (error) {
      if (codeOf(error) === 'QUARANTINE_NOT_FOUND') return undefined
      throw error
    }
  }
}

const latin1 = (text: string): string => Buffer.from(text).toString('latin1')

/** The path with its folder's links followed; of a folder that is not there it is the path itself. */
function realOf(path: Buffer): Buffer {
  const slash = path.lastIndexOf(0x2f)
  try {
    const folder = realpathSync(path.subarray(0, Math.max(1, slash)), { encoding: 'buffer' })
    return Buffer.concat([folder, path.subarray(slash)])
  } catch {
    return path
  }
}

/** Opens the file that was judged and gives it to `use`. @throws ScanError `QUARANTINE_CHANGED` when it is another one */
async function withFile<Result>(
  path: Buffer,
  sha256: string,
  use: (file: HeldFile) => Promise<Result>,
): Promise<Result> {
  const file = await HeldFile.open(path)
  try {
    if ((await file.digest()) !== sha256)
      throw new ScanError('QUARANTINE_CHANGED', `${file.name} is no longer the file that was judged`)
    await file.checkUnchanged()
    return await use(file)
  } finally {
    await file.close()
  }
}

/** Whether the file of this digest lies there. */
const lies = (path: Buffer, sha256: string): Promise<boolean> =>
  withFile(path, sha256, async () => true).catch(() => false)

const quarantined = (asked: Case, item: StoredItem): Outcome => ({
  type: 'applied',
  done: `moved ${item.path} into the vault${linksLeft(item.hard_links)}`,
  quarantine: item.id,
  entries: [vaultEntry('quarantine.stored', item, asked)],
})

const vaultEntry = (
  kind: 'quarantine.stored' | 'quarantine.restored',
  { id, sha256 }: StoredItem,
  asked: Case,
): Entry => ({ kind, members: { item: { id, sha256 }, ...causeOf(asked) } })

const causeOf = ({ command }: Case) => ({ subject: command.id, by: command.by })

const dry = (done: string): Outcome => ({ type: 'applied', done, entries: [] })

const linksLeft = (count: number): string =>
  count === 0 ? '' : `; ${count} other names of the file (hard links) remain`

const needsPerson = (what: string): ScanError =>
  new ScanError('RESPONSE_NEEDS_PERSON', `${what} only when a person has decided so`)
