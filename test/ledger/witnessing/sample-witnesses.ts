/** A log with witnesses, all of them real and on the loopback. */
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { encodeVkey, cosigner, noteSigner } from '../../../proofs/note-key.js'
import type { NoteSigner } from '../../../proofs/note-key.js'
import { generateSeed } from '../../../proofs/ed25519.js'
import { readIdentity } from '../../../ledger/identity.js'
import { startWitness } from '../../../ledger/witness/role.js'
import type { WitnessRole } from '../../../ledger/witness/role.js'
import { witnessConfig } from '../../../ledger/witness/config.js'
import { agent, clock, open, silent } from '../sample-log.js'
import { start } from '../sample-role.js'
import type { Running } from '../sample-role.js'

export const LOOPBACK = { allow: ['127.0.0.0/8'] }

/** Makes a log with one agent and says who it is. */
export async function makeLog(data: string): Promise<{ origin: string; vkey: string; alice: NoteSigner }> {
  const alice = agent('alice')
  await (await open(join(data, 'ledger'), [alice])).close()
  const identity = await readIdentity(join(data, 'ledger'))
  if (identity === undefined) throw new Error('no log')
  return { origin: identity.origin, vkey: identity.vkey, alice }
}

/** A real witness in this process. */
export function witness(data: string, vkey: string, listen = '127.0.0.1:0'): Promise<WitnessRole> {
  return startWitness({
    data,
    config: witnessConfig.parse({ listen, admin: '127.0.0.1:0', logs: [{ vkey }] }),
    defaultName: 'witness.example',
    clock,
    log: silent,
    onFatal: (error) => {
      throw error
    },
  })
}

/** One witness line of a policy. */
export const line = (name: string, vkey: string, listen: string): string =>
  `witness ${name} ${vkey} http://${listen}/`

export const lineOf = (name: string, { info }: WitnessRole): string =>
  line(name, info['vkey'] ?? '', info['listen'] ?? '')

/** Something that answers as a test wants, with a key of its own. */
export interface Impostor {
  readonly key: NoteSigner
  readonly line: (name: string) => string
  /** Bodies of the requests to add-checkpoint. */
  readonly requests: Buffer[]
  close(): Promise<void>
}

export async function impostor(
  answer: (body: Buffer, response: ServerResponse, request: IncomingMessage, key: NoteSigner) => void,
): Promise<Impostor> {
  const key = cosigner(noteSigner('impostor.example', generateSeed()), () => Date.now())
  const requests: Buffer[] = []
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      if (request.method === 'POST') requests.push(body)
      answer(body, response, request, key)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    key,
    requests,
    line: (name) => line(name, encodeVkey(key), `127.0.0.1:${port}`),
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** The ledger's role with these lines of a policy. */
export function startWitnessed(
  data: string,
  policy: readonly string[],
  settings: object = {},
): Promise<Running> {
  const witnesses = { policy: `${policy.join('\n')}\n`, interval_seconds: 0, ...settings }
  return start(data, { config: { witnesses }, outbound: LOOPBACK })
}
