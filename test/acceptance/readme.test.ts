import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { ask, ATTACK } from './http-client.js'
import { BIN, portcullis, ROOT, run, serve } from './product.js'

const readme = readFileSync(`${ROOT}README.md`, 'utf8')

/** Every command in a code block of the README, without comments. */
const commands = [...readme.matchAll(/^```sh\n([^]*?)^```/gm)]
  .flatMap(([, block = '']) => block.split('\n'))
  .map((line) => line.replace(/\s+#.*$/, '').trim())
  .filter((line) => line !== '' && !line.startsWith('npm '))

const isServing = (line: string): boolean => /^bin\/portcullis (?:up|gateway)\b/.test(line)

t.test('only commands of ours are shown beside npm', async (t) => {
  t.ok(commands.length >= 5, `${commands.length} commands`)
  for (const line of commands) t.match(line, /^bin\/portcullis [a-z]/)
  t.match(readme, /npm ci && npm start/)
})

t.test('each command does what it says, as it is printed', async (t) => {
  const folder = t.testdir({ 'unused.yaml': '{}\n' })
  const at = { cwd: folder }
  const uploads = join(folder, 'uploads')
  mkdirSync(uploads)
  writeFileSync(join(uploads, 'photo.txt'), 'harmless')
  // As small as a release folder can be.
  const release = join(folder, 'coreruleset')
  mkdirSync(join(release, 'rules'), { recursive: true })
  writeFileSync(join(release, 'crs-setup.conf.example'), 'SecDefaultAction "phase:1,log,pass"\n')
  writeFileSync(join(release, 'rules', 'one.conf'), 'SecAction "id:900990,phase:1,pass,nolog"\n')
  const upstream = createServer((_, response) => response.end('fine'))
  upstream.listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  t.teardown(() => upstream.close())
  const origin = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`
  const free = ['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--upstream', origin]

  // With its own flags first: only the ports and the service are those of this test.
  const serving = commands.filter(isServing)
  t.ok(serving.length > 0)
  for (const line of serving) {
    const named = line.replaceAll('/srv/coreruleset', release)
    const product = await serve([...named.split(/\s+/).slice(1), ...free], at)
    t.teardown(() => product.stop('SIGKILL'))
    t.equal((await ask(product.url)).status, 200, line)
    if (line.includes('--mode detect')) t.equal((await ask(product.url, { path: ATTACK })).status, 200)
    t.equal((await product.stop()).code, 0)
  }

  const product = await serve(['up', ...free], at)
  t.teardown(() => product.stop('SIGKILL'))
  const { id } = await ask(product.url, { path: ATTACK })
  for (const line of commands.filter((command) => !isServing(command))) {
    const real = line
      .replace(/^bin\/portcullis/, '"$NODE" "$BIN"')
      .replaceAll('REQUEST_ID', id)
      .replaceAll('/srv/uploads', uploads)
      .replaceAll('rules/base.conf', join(ROOT, 'rules/base.conf'))
    const { code, stderr } = await run('sh', ['-c', real], { ...at, env: { NODE: process.execPath, BIN } })
    t.equal(code, 0, `${line}\n${stderr}`)
  }
  t.equal((await product.stop()).code, 0)

  await t.test('the table of phases is the one that a start prints', async (t) => {
    const rows = [...readme.matchAll(/^\| (\d+) +\| `(\w+)` +\|.*\| ([^|]+?) +\|$/gm)]
    const told = rows.map(([, number = '', name = '', mode = '']) => `${number} ${name} ${mode === 'on'}`)
    const printed = [...product.stdout.matchAll(/^ +(\d+) (\w+) +block(.*)$/gm)].map(
      ([, number = '', name = '', idle = '']) => `${number} ${name} ${idle === ''}`,
    )
    t.strictSame(told.sort(), printed.sort())
  })

  await t.test('commands and flags in the text exist', async (t) => {
    const help = await portcullis(['up', '--help'])
    const named = new Set([...readme.matchAll(/`(--[a-z-]+)/g)].map(([, flag = '']) => flag))
    for (const flag of named) t.ok(help.stdout.includes(flag), flag)
    for (const [, name = ''] of readme.matchAll(/`bin\/portcullis ([a-z]+)/g))
      t.equal((await portcullis([name, '--help'])).code, 0, name)
  })

  await t.test('every document that it points to is there', async (t) => {
    for (const [, path = ''] of readme.matchAll(/\]\((?!https?:)([^)#]+)/g))
      t.ok(readFileSync(join(ROOT, path), 'utf8').length > 0, path)
  })
})
