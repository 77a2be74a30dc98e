import { checkAction, signAction } from '../../proofs/action.js'
import { encodeHex } from '../../proofs/bytes.js'
import { leafHash } from '../../proofs/hashing.js'
import { encodeEntryBundle } from '../../proofs/tile.js'
import { openKeyFile } from '../key-file.js'
import type { ActionInput } from './types.js'

/** An action's place in a session that its caller keeps. */
export interface NumberedAction extends ActionInput {
  readonly id: string
  readonly session: string
  readonly seq: number
  /** Leaf hashes in hexadecimal of the entries that led to it. */
  readonly parents?: readonly string[]
}

export interface SignedAction {
  /** An item for topic `ledger` of the outbox. The same action gives the same bytes, which the ledger takes only once. */
  readonly item: Uint8Array
  /** Leaf hash of its entry, hexadecimal. */
  readonly leaf: string
}

/** Signs actions one by one, for sessions that outlive a process: their caller keeps number and last leaf durably. */
export interface ActionSigner {
  readonly agent: string
  /** @throws ProofError `malformed_action` for members that the schema of the kind does not take */
  sign(action: NumberedAction): SignedAction
}

/** Reads the agent's key, or makes it. */
export async function openActionSigner(agent: string, keyFile: string): Promise<ActionSigner> {
  const signer = await openKeyFile(keyFile, agent)
  return {
    agent: signer.name,
    sign: ({ id, kind, ts, session, seq, parents, members }) => {
      const payload = {
        ...members,
        v: 1,
        id,
        agent: signer.name,
        session,
        seq,
        ts,
        kind,
        ...(parents && { parents }),
      }
      const action = checkAction(payload)
      const entry = signAction(action, [signer])
      return { item: encodeEntryBundle([entry]), leaf: encodeHex(leafHash(entry)) }
    },
  }
}
