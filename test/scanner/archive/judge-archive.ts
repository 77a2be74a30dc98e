import { createHash } from 'node:crypto'
import { archiveLimits, type ArchiveLimits } from '../../../scanner/archive/limits.js'
import { ArchiveUnpacker } from '../../../scanner/archive/unpacker.js'
import type { Engine } from '../../../scanner/engines/engine.js'
import { KnownHashes } from '../../../scanner/engines/known-hashes.js'
import { judgeContent } from '../../../scanner/judge.js'
import type { Judged } from '../../../scanner/worker-protocol.js'
import { EICAR, sha256 } from '../sample-files.js'

/** Finds what starts as the test file does, as its definition says: in the first bytes, and nothing but space behind. */
const eicar: Engine = {
  name: 'yara',
  judge: (content) =>
    content.subarray(0, 68).equals(Buffer.from(EICAR)) && content.toString('latin1', 68).trim() === ''
      ? [{ engine: 'yara', rule: 'EICAR', level: 'malicious' }]
      : [],
}

/** Judges a content by our own judge and unpacker, in this process. */
export const judge = async (
  content: Buffer,
  name = 'file',
  limits: Partial<ArchiveLimits> = {},
): Promise<Judged> =>
  judgeContent(content, name, {
    hashes: new KnownHashes([]),
    engines: [eicar],
    unpacker: new ArchiveUnpacker(archiveLimits.parse(limits)),
  })

/** A verdict as the tests state it: the level and where and why. */
export const said = ({ verdict, reasons }: Judged): string[] => [
  verdict,
  ...reasons.map(({ rule, member }) => (member === undefined ? rule : `${rule} in ${member}`)),
]

/** Bytes without any order, the same on every run. */
export function noise(length: number): Buffer {
  const pieces: Buffer[] = []
  let seed = sha256('seed')
  for (let got = 0; got < length; got += 32) {
    const piece = createHash('sha256').update(seed).digest()
    seed = piece.toString('hex')
    pieces.push(piece)
  }
  return Buffer.concat(pieces).subarray(0, length)
}
