import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { signCheckpoint } from '../../proofs/checkpoint.js'
import { formatEquivocationProof } from '../../proofs/equivocation-proof.js'
import { leafHash } from '../../proofs/hashing.js'
import { encodeVkey, noteSigner } from '../../proofs/note-key.js'
import { generateSeed } from '../../proofs/ed25519.js'
import { runInProcess as run } from './fixtures/in-process.js'

const origin = 'log.example'
const key = noteSigner(origin, generateSeed())
const sign = (root: string) => signCheckpoint({ origin, size: 7, root: leafHash(Buffer.from(root)) }, [key])

void t.test('verify reads a proof that a log signed two histories', async (t) => {
  const folder = t.testdir({ policy: `log ${encodeVkey(key)}\nquorum none\n` })
  const file = join(folder, 'proof')
  const args = ['verify', file, '--policy', join(folder, 'policy')]
  await writeFile(file, formatEquivocationProof({ first: sign('a'), second: sign('b') }))
  t.match(await run(args), {
    code: 1,
    stdout: '',
    stderr: /^equivocation: log\.example signed two roots of 7 entries: \S+ and \S+\n$/,
  })
  const { code, stdout } = await run([...args, '--json'])
  t.equal(code, 1)
  t.match(JSON.parse(stdout), {
    ok: false,
    code: 'equivocation',
    equivocation: { origin, size: 7, roots: [String, String] },
  })

  await writeFile(file, formatEquivocationProof({ first: sign('a'), second: sign('a') }))
  t.match(await run(args), { code: 1, stderr: /^malformed_proof: both checkpoints can be true/ })
  const stranger = noteSigner(origin, generateSeed())
  const forged = signCheckpoint({ origin, size: 7, root: leafHash(Buffer.from('b')) }, [stranger])
  await writeFile(file, formatEquivocationProof({ first: sign('a'), second: forged }))
  t.match(await run([...args, '--json']), { code: 1, stdout: /"code":"unknown_key"/ })
})
