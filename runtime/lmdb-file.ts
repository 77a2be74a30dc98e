import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'

import { codeOf, RuntimeError } from './errors.js'

/** LMDB's magic number, little-endian, as it stands in each of the two meta pages. */
const MAGIC = 0xbeefc0de
const MAGIC_OFFSET = 24
const PAGE_SIZE_OFFSET = 48
const HEAD_BYTES = 64
const MIN_PAGE = 512
const MAX_PAGE = 0x10000

/**
 * Looks whether a file is an LMDB store before LMDB maps it: given anything else, the native library does not fail but
 * takes the process down. A missing or an empty file is fine, LMDB makes a store of it.
 *
 * @throws RuntimeError `OUTBOX_OPEN`
 */
export const checkLmdbFile = (path: string): void => {
  let fd
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return
    throw new RuntimeError('OUTBOX_OPEN', `cannot open the store ${path}`, { cause: error })
  }
  try {
    const size = fstatSync(fd).size
    if (size === 0) return
    const pageSize = meta(fd, 0).readUInt32LE(PAGE_SIZE_OFFSET)
    const sound =
      pageSize >= MIN_PAGE &&
      pageSize <= MAX_PAGE &&
      size >= pageSize * 2 &&
      [0, pageSize].every((page) => meta(fd, page).readUInt32LE(MAGIC_OFFSET) === MAGIC)
    if (!sound)
      throw new RuntimeError(
        'OUTBOX_OPEN',
        `${path} is not a store of ours, or it is damaged; move it away to go on`,
      )
  } finally {
    closeSync(fd)
  }
}

const meta = (fd: number, page: number): Buffer => {
  const head = Buffer.alloc(HEAD_BYTES)
  readSync(fd, head, 0, HEAD_BYTES, page)
  return head
}
