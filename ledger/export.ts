import { mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { decodeBase64 } from '../proofs/base64.js'
import { parseSignedCheckpoint } from '../proofs/checkpoint.js'
import type { Checkpoint } from '../proofs/checkpoint.js'
import { verifyConsistency } from '../proofs/merkle.js'
import { entryBundles, hashTiles, TILE_WIDTH, tilePath } from '../proofs/tile.js'
import { syncFolder } from '../runtime/data-folder.js'
import { openFolder } from './audit/folder-source.js'
import { LedgerError } from './errors.js'

const MAX_CHECKPOINT_BYTES = 64 * 1024

export interface Exported extends Checkpoint {
  /** Files written. */
  readonly files: number
}

/**
 * Writes what a log serves statically into a folder: entry bundles and hash tiles, then the checkpoint. What an earlier
 * export left there is gone on from, once it is proven to be a prefix; partial tiles whose full one is now there are
 * removed, as tlog-tiles permits. The files are not private: a web server of any user may serve them.
 *
 * @param read answers a path of the log's API (`/checkpoint`, `/tile/…`, `/v1/consistency?…`)
 * @throws LedgerError `CHECKPOINT_CONFLICT` when the folder holds another log, or more of this one
 */
export async function exportLog(
  read: (target: string) => Promise<Uint8Array>,
  folder: string,
  onProgress?: (done: number, total: number) => void,
): Promise<Exported> {
  const note = await read('/checkpoint')
  const { checkpoint } = parseSignedCheckpoint(note)
  await mkdir(folder, { recursive: true })
  const before = await presentSize(read, folder, checkpoint)
  const tiles = [...newTiles(checkpoint.size, before)]
  for (const [i, tile] of tiles.entries()) {
    const path = tilePath(tile)
    await writePublicFile(join(folder, path), await read(`/${path}`))
    if (tile.width === TILE_WIDTH) await rm(join(folder, `${path}.p`), { recursive: true, force: true })
    onProgress?.(i + 1, tiles.length)
  }
  // Last, so that whoever reads a checkpoint finds every tile of it.
  await writePublicFile(join(folder, 'checkpoint'), note)
  return { ...checkpoint, files: tiles.length + 1 }
}

function* newTiles(size: number, before: number) {
  yield* entryBundles(size, before)
  yield* hashTiles(size, before)
}

/** The size of the export that is there, 0 when there is none. */
async function presentSize(
  read: (target: string) => Promise<Uint8Array>,
  folder: string,
  head: Checkpoint,
): Promise<number> {
  const source = await openFolder(folder)
  const bytes = await source.read('checkpoint', MAX_CHECKPOINT_BYTES)
  if (bytes === undefined) return 0
  const { checkpoint } = parseSignedCheckpoint(bytes)
  if (checkpoint.origin !== head.origin)
    throw conflict(`${folder} holds an export of the log ${checkpoint.origin}`)
  if (checkpoint.size > head.size)
    throw conflict(`${folder} holds ${checkpoint.size} entries of this log, which has ${head.size} now`)
  if (checkpoint.size === 0) return 0
  const answer = await read(`/v1/consistency?from=${checkpoint.size}&to=${head.size}`)
  if (!verifyConsistency(checkpoint.size, head.size, proofOf(answer), checkpoint.root, head.root))
    throw conflict(`the export in ${folder} is of another history of this log`)
  return checkpoint.size
}

function proofOf(answer: Uint8Array): readonly Uint8Array[] {
  const body: unknown = JSON.parse(Buffer.from(answer).toString('utf8'))
  const proof = typeof body === 'object' && body !== null && 'proof' in body ? body.proof : undefined
  return Array.isArray(proof) ? proof.map((hash) => decodeBase64(String(hash)) ?? new Uint8Array()) : []
}

/** Writes a file whole or not at all, readable as the process's umask says. */
async function writePublicFile(path: string, content: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const temporary = `${path}.tmp`
  const handle = await open(temporary, 'w')
  try {
    await handle.writeFile(content)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(temporary, path)
  await syncFolder(dirname(path))
}

function conflict(message: string): LedgerError {
  return new LedgerError('CHECKPOINT_CONFLICT', message)
}
