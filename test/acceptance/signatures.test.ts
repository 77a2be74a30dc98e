import { createServer } from 'node:http'
import { once } from 'node:events'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { sha256 } from '../scanner/sample-files.js'
import { portcullis } from './product.js'

t.test('signatures are signed, published, taken over and used', async (t) => {
  const cwd = t.testdir({
    source: { yara: {}, hashes: {} },
    published: {},
    'listed.bin': 'listed',
    'marked.txt': 'odd-marker',
  })
  const at = { cwd }
  const key = await portcullis(['signatures', 'keys', '--out', 'key.pem'], at)
  t.equal(key.code, 0, 'a key is made', { stderr: key.stderr })
  t.equal(statSync(join(cwd, 'key.pem')).mode & 0o777, 0o600)
  t.match((await portcullis(['signatures', 'keys', '--out', 'key.pem'], at)).stderr, /nothing is overwritten/)

  writeFileSync(join(cwd, 'source/hashes/bad.txt'), `${sha256('listed')} Published.File\n`)
  const rule = join(cwd, 'source/yara/marker.yar')
  writeFileSync(rule, 'rule Published_Rule { strings: $a = "odd-marker" condition: $a }')
  const build = (release: string) =>
    portcullis(
      ['signatures', 'build', '--from', 'source', '--key', 'key.pem', '--release', release].concat(
        '--out',
        'published/signatures.pcsb',
      ),
      at,
    )
  t.equal((await build('1')).code, 0)

  const config = (allow: string): void =>
    writeFileSync(
      join(cwd, 'config.yaml'),
      `scanner:\n  jobs: 1\n  signature_keys: ['${key.stdout.trim()}']\noutbound:\n  allow: [${allow}]\n`,
    )
  config('')
  const flags = ['--config', 'config.yaml', '--data', 'data']
  const update = (from: string) =>
    portcullis(['signatures', 'update', '--from', from, '--json', ...flags], at)
  const untrusted = await portcullis(['signatures', 'update', '--from', 'published', '--data', 'data'], at)
  t.equal(untrusted.code, 2, 'without a key nothing is taken over')
  const first = await update('published')
  t.match(JSON.parse(first.stdout || '{}'), { version: 1, files: 2, changed: true }, { stderr: first.stderr })

  const scan = await portcullis(['scan', '--json', 'listed.bin', 'marked.txt', ...flags], at)
  t.equal(scan.code, 1)
  t.match(scan.stdout, /Published\.File/)
  t.match(scan.stdout, /Published_Rule/)

  t.equal((await build('2')).code, 0)
  const server = createServer((request, response) => {
    response.end(
      request.url === '/s/signatures.pcsb' ? readFileSync(join(cwd, 'published/signatures.pcsb')) : '',
    )
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/s/`
  t.match((await update(url)).stderr, /^OUTBOUND_REFUSED: /m, 'not from inside the network')
  config('127.0.0.0/8')
  t.match(JSON.parse((await update(url)).stdout || '{}'), { version: 2, changed: true })
  t.equal((await build('1')).code, 0)
  t.match((await update('published')).stderr, /^SIGNATURES_ROLLBACK: /m)

  mkdirSync(join(cwd, 'elsewhere'))
  t.match((await update('elsewhere')).stderr, /^SIGNATURES_SOURCE: /m)
})
