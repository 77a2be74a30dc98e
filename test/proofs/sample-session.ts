/** A closed session of two agents in a log that others use too. */
import {
  formatAction,
  formatSessionBundle,
  leafHash,
  multiProof,
  nodeReaderOf,
  sealBatch,
  signAction,
} from '../../proofs/index.js'
import type { NoteSigner, SessionBundle } from '../../proofs/index.js'
import { actionOf, agentKey, approverKey, SampleLog, session, uuidOf } from './sample-log.js'

export const OTHER = 'gateway/run-2'
/** Log indexes of the session's entries: the batch is at 4 to 7, its seal at 8. */
export const INDEXES = [1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12]
export const SEAL = 8

export interface Change {
  /** Replaces the entry that the log gets at this index. */
  readonly at: number
  readonly entry: Uint8Array
}

export const closing = (seq: number, count: number, agent = 'gateway') =>
  actionOf(seq, { kind: 'session.close', count, agent, target: undefined, in: undefined } as never)

/** Members that are undefined are no members. */
function plain<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T
}

const other = (seq: number, signer: NoteSigner = agentKey) =>
  signAction(actionOf(seq, { session: OTHER, id: uuidOf(100 + seq) }), [signer])

/** Entries of the log; a change is made by a log that is willing to. */
export function sessionLog(changes: readonly Change[] = []): SampleLog {
  const batch = [2, 3, 4, 5].map((seq) => formatAction(actionOf(seq)))
  const opening = plain({
    ...actionOf(0, { kind: 'session.open', participants: ['gateway', 'approver'] }),
    target: undefined,
    in: undefined,
  })
  const entries = [
    other(0),
    signAction(opening as never, [agentKey]),
    signAction(actionOf(1), [agentKey]),
    other(1),
    ...batch,
    sealBatch({ agent: 'gateway', session, first: 2, entries: batch }, agentKey),
    signAction(actionOf(0, { agent: 'approver', id: uuidOf(50) }), [approverKey]),
    signAction(plain({ ...closing(1, 1, 'approver'), id: uuidOf(51) }), [approverKey]),
    signAction(actionOf(6), [approverKey, agentKey]),
    signAction(plain(closing(7, 7)), [agentKey]),
    other(2),
  ]
  const log = new SampleLog()
  for (const [i, entry] of entries.entries()) log.add(changes.find(({ at }) => at === i)?.entry ?? entry)
  return log
}

/** The bundle of some entries of a log, with an honest proof for them. */
export function bundleOf(
  log: SampleLog,
  indexes: readonly number[] = INDEXES,
  over: Partial<SessionBundle> = {},
): SessionBundle {
  const read = nodeReaderOf(log.entries.map(leafHash))
  return {
    session,
    entries: indexes.map((index) => ({ index, entry: log.entries[index]! })),
    proof: multiProof(indexes, log.entries.length, read),
    checkpoint: log.checkpoint(),
    ...over,
  }
}

export function bundleBytes(...given: Parameters<typeof bundleOf>): Uint8Array {
  return formatSessionBundle(bundleOf(...given))
}
