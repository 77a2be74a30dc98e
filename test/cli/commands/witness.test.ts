import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { decodeVkey, SIGNATURE_TYPES } from '../../../proofs/note-key.js'
import { runInProcess } from '../fixtures/in-process.js'

void t.test('a witness has a key of its own, made once', async (t) => {
  const data = join(t.testdir(), 'data')
  t.match(await runInProcess(['witness', 'vkey', '--data', data]), { code: 1, stderr: /^NOT_INITIALISED/ })
  const made = await runInProcess(['witness', 'init', '--data', data, '--name', 'witness.example'])
  t.equal(made.code, 0, made.stderr)
  const key = decodeVkey(made.stdout.trimEnd())
  t.equal(key.type, SIGNATURE_TYPES.cosignature)
  t.match(key.name, /^witness\.example\/[0-9a-f]{16}$/)
  t.equal((await stat(join(data, 'witness', 'key'))).mode & 0o777, 0o600)
  t.match(await runInProcess(['witness', 'vkey', '--data', data]), { code: 0, stdout: made.stdout })
  t.match(await runInProcess(['witness', 'init', '--data', data]), {
    code: 1,
    stderr: /^ALREADY_INITIALISED/,
  })
})
