import { randomBytes } from 'node:crypto'
import { link, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { generateSeed, importPrivateKey } from '../proofs/ed25519.js'
import { decodeSecretKey, encodeSecretKey } from '../proofs/note-key.js'
import type { NoteSigner } from '../proofs/note-key.js'
import { privateFolder, readSecretFile, syncFolder, writePrivateFile } from '../runtime/data-folder.js'
import { codeOf } from '../runtime/errors.js'
import { readSecret } from '../runtime/secret.js'
import { LedgerError } from './errors.js'

/**
 * Reads the private note key of a file (`PRIVATE+KEY+name+id+base64`). Links, foreign owners and modes that let others
 * read are refused by `readSecretFile`.
 *
 * @returns its signer, or `undefined` when there is no file
 * @throws LedgerError `BAD_KEY` when the file holds no key
 */
export async function readKeyFile(path: string): Promise<NoteSigner | undefined> {
  const bytes = await readSecretFile(path)
  return bytes && decodeKey(Buffer.from(bytes).toString('latin1'), `the key file ${path}`)
}

/**
 * Reads the private note key that a reference names: `env:NAME`, `file:PATH` or `exec:["PROGRAM","ARGUMENT"]`.
 *
 * @throws LedgerError `BAD_KEY` when it holds no key; RuntimeError as `readSecret`
 */
export async function readKey(
  reference: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<NoteSigner> {
  return decodeKey(
    await readSecret(reference, env),
    `what ${reference.slice(0, reference.indexOf(':'))}: names`,
  )
}

function decodeKey(text: string, where: string): NoteSigner {
  try {
    return decodeSecretKey(text.trimEnd()).signer
  } catch (cause) {
    throw new LedgerError('BAD_KEY', `${where} holds no private note key`, { cause })
  }
}

/**
 * Reads the key of a file, or makes one (0600). Of two processes that make it at once, both get the same key.
 *
 * @param name the name of a new key, or what makes one out of its public key
 */
export async function openKeyFile(
  path: string,
  name: string | ((publicKey: Uint8Array) => string),
): Promise<NoteSigner> {
  const present = await readKeyFile(path)
  if (present !== undefined) return present
  await privateFolder(dirname(path))
  await placeKey(path, name)
  const made = await readKeyFile(path)
  if (made === undefined) throw new LedgerError('BAD_KEY', `the key file ${path} is gone again`)
  return made
}

/**
 * Makes a key in a file that must not be there, in a folder that stays as it is.
 *
 * @throws LedgerError `BAD_KEY` when it is
 */
export async function makeKeyFile(path: string, name: string): Promise<NoteSigner> {
  const isPlaced = await placeKey(path, name)
  const made = isPlaced ? await readKeyFile(path) : undefined
  if (made === undefined) throw new LedgerError('BAD_KEY', `the file ${path} is there already`)
  return made
}

/** Puts a new key into a file, whole or not at all; false when there is one. */
async function placeKey(path: string, name: string | ((publicKey: Uint8Array) => string)): Promise<boolean> {
  const seed = generateSeed()
  const keyName = typeof name === 'string' ? name : name(importPrivateKey(seed).publicKey)
  const temporary = `${path}.${randomBytes(6).toString('hex')}.new`
  await writePrivateFile(temporary, `${encodeSecretKey(keyName, seed)}\n`)
  try {
    // A link, unlike a rename, does not replace the key that another process made in the meantime.
    await link(temporary, path)
    await syncFolder(dirname(path))
    return true
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
    return false
  } finally {
    await unlink(temporary)
  }
}
