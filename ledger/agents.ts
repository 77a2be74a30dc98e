/**
 * The public keys of agents: one file per agent, `agents/<agent>.vkey`, one vkey a line, the newest last. Whoever may
 * write into the ledger's folder (0700) decides who may sign; nothing that comes over the outbox or a socket does.
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { equalBytes } from '../proofs/bytes.js'
import { decodeVkey, encodeVkey, SIGNATURE_TYPES } from '../proofs/note-key.js'
import type { NoteVerifier } from '../proofs/note-key.js'
import { privateFolder, readSecretFile, writePrivateFile } from '../runtime/data-folder.js'
import { codeOf } from '../runtime/errors.js'
import { LedgerError } from './errors.js'

const SUFFIX = '.vkey'

/** Names of agents and sessions (the format's own rule). */
export const AGENT_NAME = /^[a-z][a-z0-9._/-]{0,99}$/

/** Agents' names may hold slashes, file names may not. */
function fileName(agent: string): string {
  return `${agent.replaceAll('/', '%2F')}${SUFFIX}`
}

/**
 * Adds a key to those of its agent; nothing happens when it is there already.
 *
 * @param folder `<data>/ledger/agents`
 */
export async function registerAgentKey(
  folder: string,
  key: Pick<NoteVerifier, 'name' | 'publicKey'>,
): Promise<void> {
  if (!AGENT_NAME.test(key.name))
    throw new LedgerError('BAD_KEY', `${key.name} cannot be the name of an agent`)
  await privateFolder(folder)
  const present = await readAgentKeys(folder, key.name)
  if (present.some((known) => equalBytes(known.publicKey, key.publicKey))) return
  const vkeys = [...present, { ...key, type: SIGNATURE_TYPES.ed25519 }].map(encodeVkey)
  await writePrivateFile(join(folder, fileName(key.name)), `${vkeys.join('\n')}\n`)
}

/**
 * Keys of one agent, oldest first; none when it is not registered.
 *
 * @throws LedgerError `BAD_KEY` that names the file, when it holds anything but Ed25519 vkeys of this agent
 */
export async function readAgentKeys(folder: string, agent: string): Promise<readonly NoteVerifier[]> {
  if (!AGENT_NAME.test(agent)) return []
  const path = join(folder, fileName(agent))
  const bytes = await readSecretFile(path)
  if (bytes === undefined) return []
  const lines = Buffer.from(bytes).toString('utf8').split('\n')
  return lines.flatMap((line, i) => {
    if (line.trim() === '') return []
    try {
      const key = decodeVkey(line.trim())
      if (key.name !== agent || key.type !== SIGNATURE_TYPES.ed25519) {
        throw new LedgerError('BAD_KEY', `it is not an Ed25519 key of ${agent}`)
      }
      return [key]
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new LedgerError('BAD_KEY', `${path} line ${i + 1}: ${reason}`, { cause })
    }
  })
}

/** Keys of all agents, by name. */
export async function readAllAgentKeys(
  folder: string,
): Promise<ReadonlyMap<string, readonly NoteVerifier[]>> {
  const agents = new Map<string, readonly NoteVerifier[]>()
  for (const file of await agentFiles(folder)) {
    const agent = file.slice(0, -SUFFIX.length).replaceAll('%2F', '/')
    agents.set(agent, await readAgentKeys(folder, agent))
  }
  return agents
}

async function agentFiles(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((name) => name.endsWith(SUFFIX)).sort()
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  }
}

/** The registered keys, read when they are first asked for and again whenever a key is not among them. */
export class AgentKeys {
  readonly #folder: string
  readonly #logKey: Uint8Array
  readonly #known = new Map<string, readonly NoteVerifier[]>()

  /** @param logKey the log's own public key, which no agent may use */
  constructor(folder: string, logKey: Uint8Array) {
    this.#folder = folder
    this.#logKey = logKey
  }

  /**
   * Verifiers for signature lines: those of every name that has any.
   *
   * @throws LedgerError `AGENT_KEY_SHARED` when an agent was given the log's own key
   */
  async verifiersFor(
    signatures: readonly { readonly name: string; readonly keyId: number }[],
  ): Promise<readonly NoteVerifier[]> {
    const names = new Set(signatures.map(({ name }) => name))
    const found: NoteVerifier[] = []
    for (const name of names) {
      const ids = signatures.filter((line) => line.name === name).map(({ keyId }) => keyId)
      let keys = this.#known.get(name)
      if (keys === undefined || !ids.every((id) => keys?.some((key) => key.keyId === id))) {
        keys = await readAgentKeys(this.#folder, name)
        if (keys.some((key) => equalBytes(key.publicKey, this.#logKey))) {
          throw new LedgerError('AGENT_KEY_SHARED', `agent ${name} has the key of the log itself`)
        }
        if (keys.length > 0) this.#known.set(name, keys)
      }
      found.push(...keys)
    }
    return found
  }
}
