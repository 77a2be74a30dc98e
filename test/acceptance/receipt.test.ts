import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { PROOF_CODES } from '../../proofs/errors.js'
import { ask, ATTACK } from './http-client.js'
import { portcullis, up } from './product.js'

const FLIPS = 60
/** Two at a time: each is a process. */
const LANES = 2

t.test('a receipt with one flipped bit fails with a word for what is wrong', async (t) => {
  const folder = t.testdir()
  const at = { cwd: folder }
  const product = await up(['--upstream', 'http://127.0.0.1:9', '--data', 'data'], at)
  t.teardown(() => product.stop('SIGKILL'))
  const { id, status } = await ask(product.url, { path: ATTACK })
  t.equal(status, 403)
  const written = await portcullis(['ledger', 'receipt', id, '--data', 'data', '--out', 'receipt'], at)
  t.equal(written.code, 0, 'it ends well', { stderr: written.stderr })
  const policy = await portcullis(['ledger', 'policy', '--data', 'data'], at)
  writeFileSync(join(folder, 'policy'), policy.stdout)
  // Nothing of it is needed to verify.
  t.equal((await product.stop()).code, 0)

  const verify = (file: string) => portcullis(['verify', file, '--trust', 'policy'], at)
  const good = await verify('receipt')
  t.equal(good.code, 0, 'it ends well', { stderr: good.stderr })

  const receipt = readFileSync(join(folder, 'receipt'))
  const flips = Array.from({ length: FLIPS }, (_, i) => ({
    position: Math.floor(((i + 0.5) * receipt.length) / FLIPS),
    bit: i % 8,
  }))
  const words = new Set<string>()
  const check = async (lane: number): Promise<void> => {
    for (const { position, bit } of flips.filter((_, i) => i % LANES === lane)) {
      const bad = Buffer.from(receipt)
      bad[position] = (bad[position] ?? 0) ^ (1 << bit)
      const file = `flipped-${lane}`
      writeFileSync(join(folder, file), bad)
      const { code, stderr, stdout } = await verify(file)
      const what = `bit ${bit} of byte ${position}`
      t.equal(code, 1, what)
      const word = /^([a-z_]+): /.exec(stderr)?.[1] ?? stderr
      t.ok((PROOF_CODES as readonly string[]).includes(word), `${what}: ${stderr.trim()}`)
      t.equal(stdout, '', 'a receipt that fails makes no claim')
      words.add(word)
    }
  }
  await Promise.all(Array.from({ length: LANES }, (_, lane) => check(lane)))
  t.ok(words.size > 1, `the words tell cases apart: ${[...words].join(', ')}`)
})
