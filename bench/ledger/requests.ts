import { formatAction, signAction } from '../../proofs/action.js'
import type { ActionPayload } from '../../proofs/action.js'
import { leafHash } from '../../proofs/hashing.js'
import type { NoteSigner } from '../../proofs/note-key.js'
import { sealBatch } from '../../proofs/seal.js'
import { encodeEntryBundle } from '../../proofs/tile.js'
import { uuidv7 } from '../../runtime/uuid.js'
import type { LoadTarget, Row } from './messages.js'

/** A request that only has to be written to a socket, and the leaf whose proof must come back. */
export interface SignedRequest {
  readonly head: (target: LoadTarget) => string
  readonly body: Uint8Array
  readonly leaf: Uint8Array
}

/** A tool call of the size that agents' calls have. */
function action(agent: string, session: string, seq: number): ActionPayload {
  return {
    v: 1,
    id: uuidv7(Date.now()),
    agent,
    session,
    seq,
    ts: Date.now(),
    kind: 'tool.call',
    target: { server: 'files.example', tool: 'read_file' },
    in: { alg: 'sha256', hash: seq.toString(16).padStart(64, '0') },
    trace: { trace_id: seq.toString(16).padStart(32, 'a'), span_id: seq.toString(16).padStart(16, 'b') },
  }
}

/** One client's requests, each with entries that no other has. */
export function* signedRequests(
  row: Row,
  signer: NoteSigner,
  client: number,
  count: number,
): Generator<SignedRequest> {
  const session = `${signer.name}/client-${client}`
  let seq = 0
  for (let i = 0; i < count; i++) {
    const payloads = Array.from({ length: row.perRequest }, () => action(signer.name, session, seq++))
    const entries =
      row.shape === 'sealed'
        ? payloads.map(formatAction)
        : payloads.map((payload) => signAction(payload, [signer]))
    if (row.shape === 'sealed')
      entries.push(sealBatch({ agent: signer.name, session, first: seq - row.perRequest, entries }, signer))
    const last = entries.at(-1)
    if (last === undefined) return
    const body = row.shape === 'single' ? last : encodeEntryBundle(entries)
    const type = row.shape === 'single' ? 'text/x.portcullis.note' : 'application/x.portcullis.entries'
    yield {
      head: ({ host, port, token }) =>
        `POST /v1/entries${row.witness === 'awaited' ? '?wait=witnessed' : ''} HTTP/1.1\r\nHost: ${host}:${port}\r\nAuthorization: Bearer ${token}\r\n` +
        `Content-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n`,
      body,
      leaf: leafHash(last),
    }
  }
}
