import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import t from 'tap'
import { spool } from '../../scanner/spool.js'

const MiB = 1024 * 1024

t.test('what is small stays in memory, what is large goes to a private file', async (t) => {
  const small = await spool(Buffer.from('abc'), 3)
  t.match(small, { kind: 'memory', content: Buffer.from('abc') })
  const large = await spool(Buffer.alloc(MiB + 1, 'x'), 2 * MiB)
  if (large.kind !== 'file') throw new Error(large.kind)
  t.equal(statSync(large.path).mode & 0o777, 0o600)
  t.equal(statSync(dirname(large.path)).mode & 0o777, 0o700)
  t.equal(readFileSync(large.path, 'latin1'), 'x'.repeat(MiB + 1))
  await large.remove()
  t.notOk(existsSync(dirname(large.path)))
})

t.test('what is over the limit is not kept and not read on', async (t) => {
  let given = 0
  const endless = async function* (): AsyncGenerator<Buffer> {
    for (;;) {
      given++
      yield Buffer.alloc(MiB)
    }
  }
  t.match(await spool(endless(), 3 * MiB), { kind: 'too_large' })
  t.equal(given, 4)
})
