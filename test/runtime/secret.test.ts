import { chmod, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { readSecret, secretReference } from '../../runtime/secret.js'

const node = (...args: readonly string[]): string => `exec:${JSON.stringify([process.execPath, ...args])}`

void t.test('a reference names a secret and is never one', async (t) => {
  for (const good of ['env:TOKEN', 'file:/run/secrets/token', 'exec:["/bin/vault","read","a b"]'])
    t.ok(secretReference.safeParse(good).success, good)
  for (const bad of [
    'hunter2',
    'env:',
    'env:A B',
    'file:',
    'exec:',
    'exec:vault read',
    'exec:[]',
    'exec:[1]',
    'exec:[""]',
  ])
    t.notOk(secretReference.safeParse(bad).success, bad)
  await t.rejects(readSecret('hunter2', {}), { code: 'SECRET_MISSING', message: /^(?!.*hunter2)/s })
})

void t.test('a secret comes from the environment or a private file', async (t) => {
  t.equal(await readSecret('env:TOKEN', { TOKEN: 'abc\r\n' }), 'abc')
  await t.rejects(readSecret('env:TOKEN', {}), { code: 'SECRET_MISSING' })
  const file = join(t.testdir(), 'token')
  await writeFile(file, 'abc\n', { mode: 0o600 })
  t.equal(await readSecret(`file:${file}`, {}), 'abc')
  await symlink(file, `${file}.link`)
  await t.rejects(readSecret(`file:${file}.link`, {}), { code: 'KEY_FILE_LINK' })
  await chmod(file, 0o640)
  await t.rejects(readSecret(`file:${file}`, {}), { code: 'KEY_FILE_EXPOSED' })
})

void t.test('a program hands out a secret, without a shell', async (t) => {
  const print = 'process.stdout.write(process.argv[1] + process.env.SALT + "\\n")'
  t.equal(await readSecret(node('-e', print, '$HOME; `id`'), { SALT: 'x' }), '$HOME; `id`x')
})

void t.test('what a program writes never stands in an error', async (t) => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['console.log("hunter2"); console.error("hunter2"); process.exit(3)', /status 3/],
    ['for (;;) process.stdout.write("hunter2".repeat(9999))', /more than 65536 bytes/],
    ['process.kill(process.pid, "SIGTERM"); setInterval(() => {}, 9)', /SIGTERM|signal/],
  ]
  for (const [script, message] of cases) {
    const error = await readSecret(node('-e', script), {}).catch((error: unknown) => error)
    t.match(error, { code: 'SECRET_PROVIDER', message })
    t.notMatch(String(error), /hunter2/)
    t.equal((error as Error).cause, undefined)
  }
  await t.rejects(readSecret('exec:["/nonexistent/program","hunter2"]', {}), {
    code: 'SECRET_PROVIDER',
    message: /ENOENT/,
  })
  await t.rejects(readSecret(node('-e', ''), {}), { code: 'SECRET_MISSING' })
})
