import type { ActionPayload } from '../proofs/action.js'
import { parseEntry } from '../proofs/entry.js'
import type { Seal } from '../proofs/seal.js'
import type { AdmittedEntry } from './admission.js'
import { commitmentsOf } from './commitment-index.js'
import type { IndexedEntry } from './index-store.js'
import type { SessionUnit } from './session-index.js'

/** The index rows of an entry; an entry that comes from the log itself is parsed for them. */
export function indexedEntry(index: number, entry: AdmittedEntry): IndexedEntry {
  const { bytes, leaf, action, seal, sealed } = entry
  if (seal !== undefined) return { index, leaf, bytes, unit: batchUnit(index, seal) }
  if (action !== undefined) return { index, leaf, bytes, ...actionRows(index, action, sealed === true) }
  const parsed = parseEntry(bytes)
  return parsed.type === 'seal'
    ? { index, leaf, bytes, unit: batchUnit(index, parsed.seal) }
    : { index, leaf, bytes, ...actionRows(index, parsed.action, parsed.type === 'sealed') }
}

/** A batch is known by its seal, which stands right behind it. */
function batchUnit(index: number, { session, agent, first, count }: Seal): SessionUnit {
  return { session, agent, first, count, index: index - count, entries: count + 1 }
}

function actionRows(
  index: number,
  action: ActionPayload,
  sealed: boolean,
): Omit<IndexedEntry, 'index' | 'leaf' | 'bytes'> {
  const { agent, id, session, seq, count } = action
  const opens = openedBy(action)
  const commitments = commitmentsOf(action)
  return {
    identity: { agent, id },
    ...(opens !== undefined && { opens }),
    ...(!sealed && { unit: { session, agent, first: seq, count: 1, index, entries: 1 } }),
    ...(action.kind === 'session.close' &&
      typeof count === 'number' && { closes: { session, agent, seq, count } }),
    ...(commitments.length > 0 && { commitments }),
  }
}

/** What a `session.open` says; `undefined` for any other action. */
export function openedBy({ kind, session, participants }: ActionPayload): IndexedEntry['opens'] {
  if (kind !== 'session.open' || !Array.isArray(participants)) return undefined
  return { session, participants: participants.map(String) }
}
