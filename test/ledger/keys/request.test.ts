import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { encodeBase64 } from '../../../proofs/base64.js'
import { SMALL_ORDER_POINTS } from '../../../proofs/edwards25519.js'
import { ProofError } from '../../../proofs/errors.js'
import { LedgerError } from '../../../ledger/errors.js'
import {
  formatRequest,
  leaveRequest,
  listRequests,
  makeRequest,
  parseRequest,
  readRequest,
  requestFolder,
} from '../../../ledger/keys/request.js'
import { agent } from '../sample-log.js'

const origin = 'log.example/0123456789abcdef'
const alice = agent('alice')
const request = makeRequest(alice, origin)
const text = formatRequest(request)

void t.test('a request comes back as it was made', async (t) => {
  t.same(parseRequest(Buffer.from(text), 'x'), request)
  const folder = t.testdir()
  await leaveRequest(folder, alice, origin)
  const [file] = await listRequests(folder)
  t.match(await readRequest(folder, file!), { name: 'alice', origin, purpose: 'agent' })
})

void t.test('a request for another log, name or key is none', async (t) => {
  const fields = JSON.parse(text) as Record<string, string>
  const other = encodeBase64(agent('bob').publicKey)
  for (const change of [{ origin: 'log.example/other' }, { name: 'bob' }, { public_key: other }])
    t.throws(() => parseRequest(Buffer.from(JSON.stringify({ ...fields, ...change })), 'x'), {
      code: 'BAD_SIGNATURE',
    })
  const weak = encodeBase64(Buffer.from(SMALL_ORDER_POINTS[0]!, 'hex'))
  t.throws(() => parseRequest(Buffer.from(JSON.stringify({ ...fields, public_key: weak })), 'x'), {
    code: 'WEAK_KEY',
  })
})

void t.test('any bytes are a request or a refusal, and a file of them stalls nobody', async (t) => {
  const damaged = fc
    .tuple(fc.nat(text.length), fc.nat(5), fc.string({ maxLength: 5 }))
    .map(([at, cut, piece]) => Buffer.from(text.slice(0, at) + piece + text.slice(at + cut)))
  fc.assert(
    fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 400 })), (bytes) => {
      try {
        return parseRequest(bytes, 'x').name !== ''
      } catch (error) {
        return error instanceof LedgerError || error instanceof ProofError
      }
    }),
    { numRuns: 2_000 },
  )
  const deep = Buffer.from('['.repeat(1_000_000))
  t.throws(() => parseRequest(deep, 'x'), { code: 'BAD_KEY_REQUEST' })
  const folder = t.testdir()
  await mkdir(requestFolder(folder), { recursive: true, mode: 0o700 })
  await leaveRequest(folder, alice, origin)
  const [file = ''] = await listRequests(folder)
  await writeFile(join(requestFolder(folder), file), '{"format":', { mode: 0o600 })
  t.match(await readRequest(folder, file), { error: /BAD_KEY_REQUEST/ })
})
