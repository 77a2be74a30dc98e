import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect, type NetConnectOpts } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execFileSync } from 'node:child_process'
import { array, assert, asyncProperty, oneof, constantFrom, uint8Array } from 'fast-check'
import t from 'tap'
import { serveClamd } from '../../../../scanner/protocols/clamd/session.js'
import { serveConnections } from '../../../../scanner/protocols/connections.js'
import { splitHostPort } from '../../../../runtime/host-port.js'
import { EICAR } from '../../sample-files.js'
import { scanService } from '../service.js'

const RULE = 'EICAR-Test-File'
const LIMIT = 100_000

const service = await scanService(t, LIMIT)
// Not in the test's own folder: the path of a socket is short.
const folder = mkdtempSync(join(tmpdir(), 'clamd-'))
t.teardown(() => rmSync(folder, { recursive: true }))
const tree = join(folder, 'tree')
mkdirSync(join(tree, 'sub'), { recursive: true })
mkdirSync(join(folder, 'nothing'))
writeFileSync(join(tree, 'eicar.com'), EICAR)
writeFileSync(join(tree, 'sub', 'second'), EICAR)
writeFileSync(join(tree, 'clean'), 'x')
symlinkSync(join(tree, 'eicar.com'), join(tree, 'link'))
execFileSync('mkfifo', [join(tree, 'pipe')])
const path = join(folder, 'clamd.sock')
const times = { command: 500, idle: 500 }
const unix = await serveConnections(
  { path },
  (socket) => serveClamd(socket, service, 'unix', times),
  service.log,
)
const tcp = await serveConnections(
  { host: '127.0.0.1', port: 0, setting: 'scanner.clamd.listen' },
  (socket) => serveClamd(socket, service, 'tcp', times),
  service.log,
)
t.teardown(() => Promise.all([unix.close(), tcp.close()]))

/** All that comes back for what is sent; the client's own end stays open, as clamd's clients leave it. */
const ask = async (sent: string | Buffer, to: NetConnectOpts = { path }): Promise<string> => {
  const socket = connect(to)
  const pieces: Buffer[] = []
  socket.on('data', (piece) => pieces.push(piece))
  socket.on('error', () => undefined)
  socket.write(sent)
  await new Promise((resolve) => socket.once('close', resolve))
  return Buffer.concat(pieces).toString()
}

const chunk = (content: string | Buffer): Buffer => {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(Buffer.byteLength(content))
  return Buffer.concat([length, Buffer.from(content)])
}
const END = Buffer.alloc(4)
const instream = (...contents: readonly string[]): Buffer =>
  Buffer.concat([Buffer.from('zINSTREAM\0'), ...contents.map(chunk), END])

// Expected answers are those of clamd 1.4.3 to the same bytes, but for the names of what is found.
t.test('commands are answered as clamd answers them, with the end that they came with', async (t) => {
  t.equal(await ask('zPING\0'), 'PONG\0')
  t.equal(await ask('nPING\n'), 'PONG\n')
  t.equal(await ask('PING'), 'PONG\n')
  t.equal(await ask('PING\n'), 'PONG\n')
  t.equal(await ask('zPING\0zPING\0'), 'PONG\0')
  t.equal(await ask('zVERSION\0'), 'ClamAV 1.4.3 (Portcullis 9)\0')
  t.match(
    await ask('nVERSIONCOMMANDS\n'),
    /^ClamAV 1\.4\.3 \(Portcullis 9\)\| COMMANDS: PING .*INSTREAM.*\n$/,
  )
  t.match(
    await ask('zSTATS\0'),
    /^POOLS: 1\n\nSTATE: VALID PRIMARY\nTHREADS: live 1 .*\nQUEUE: 0 items\n[^]*\nEND\0$/,
  )
  for (const wrong of ['BOGUS', 'ping', 'END', 'SCAN', 'PING x', '', 'SHUTDOWN', 'STREAM'])
    t.equal(await ask(`z${wrong}\0`), 'UNKNOWN COMMAND\0', wrong)
  t.equal(await ask('bogus\n'), 'UNKNOWN COMMAND\n')
  t.equal(await ask('\0'), 'UNKNOWN COMMAND\n')
})

t.test('a path is judged by the daemon, and only a path in which all is clean is OK', async (t) => {
  const scan = (command: string, of: string) => ask(`z${command} ${of}\0`)
  const eicar = join(tree, 'eicar.com')
  for (const command of ['SCAN', 'CONTSCAN', 'MULTISCAN']) {
    t.equal(await scan(command, join(tree, 'clean')), `${join(tree, 'clean')}: OK\0`)
    t.equal(await scan(command, eicar), `${eicar}: ${RULE} FOUND\0`)
    t.equal(
      await scan(command, join(tree, 'none')),
      `${join(tree, 'none')}: File path check failure: No such file or directory. ERROR\0`,
    )
    t.equal(await scan(command, join(tree, 'pipe')), `${join(tree, 'pipe')}: Not supported file type ERROR\0`)
    t.equal(
      await scan(command, join(tree, 'link')),
      `${join(tree, 'link')}: Symbolic link not followed ERROR\0`,
    )
    t.equal(await scan(command, join(folder, 'nothing')), `${join(folder, 'nothing')}: OK\0`)
    t.equal(
      await scan(command, 'clean'),
      'clean: File path check failure: No such file or directory. ERROR\0',
      'a path is taken from the root',
    )
  }
  const all = [`${eicar}: ${RULE} FOUND`, `${join(tree, 'sub', 'second')}: ${RULE} FOUND`]
  for (const command of ['CONTSCAN', 'MULTISCAN'])
    t.strictSame((await scan(command, tree)).split('\0').filter(Boolean).sort(), all)
  t.ok(all.includes((await scan('SCAN', tree)).slice(0, -1)), 'SCAN ends at the first')
  t.strictSame((await scan('ALLMATCHSCAN', eicar)).split('\0').slice(0, -1), [
    `${eicar}: ${RULE} FOUND`,
    `${eicar}: EICAR_Test_File FOUND`,
  ])
  t.ok(service.found.some((result) => result.path === eicar && result.verdict === 'malicious'))
})

t.test('a name cannot make an answer of its own', async (t) => {
  const odd = join(folder, 'odd')
  mkdirSync(odd)
  writeFileSync(join(odd, 'a\nb: OK'), EICAR)
  t.equal(await ask(`nCONTSCAN ${odd}\n`), `${odd}/a?b: OK: ${RULE} FOUND\n`)
})

t.test('a stream is judged, and one over the limit is refused', async (t) => {
  t.equal(await ask(instream(EICAR)), `stream: ${RULE} FOUND\0`)
  t.equal(await ask(instream(EICAR.slice(0, 20), EICAR.slice(20))), `stream: ${RULE} FOUND\0`)
  t.equal(await ask(instream('abc')), 'stream: OK\0')
  t.equal(await ask(instream()), 'stream: OK\0')
  const refused = 'INSTREAM size limit exceeded. ERROR\0'
  t.equal(await ask(instream('x'.repeat(LIMIT))), 'stream: OK\0')
  t.equal(await ask(instream('x'.repeat(LIMIT + 1))), refused)
  t.equal(await ask(instream('x'.repeat(LIMIT), 'x')), refused)
  t.equal(await ask(Buffer.concat([Buffer.from('zINSTREAM\0'), Buffer.alloc(4, 0xff)])), refused)
  t.equal(await ask(instream('x'.repeat(40 * LIMIT))), refused, 'though the client has not read it yet')
})

t.test('a session numbers its answers', async (t) => {
  const answers = await ask(
    Buffer.concat([
      Buffer.from('zIDSESSION\0zPING\0zVERSION\0'),
      instream(EICAR),
      Buffer.from(`zSCAN ${join(tree, 'clean')}\0nPING\nzEND\0`),
    ]),
  )
  const each = answers.split(/[\0\n]/)
  for (const answer of [
    '1: PONG',
    '2: ClamAV 1.4.3 (Portcullis 9)',
    `3: stream: ${RULE} FOUND`,
    `4: ${join(tree, 'clean')}: OK`,
    '5: PONG',
  ])
    t.ok(each.includes(answer), answer)
  t.equal(await ask('nIDSESSION\nnPING\nnBOGUS\n'), '1: PONG\n2: Command invalid inside IDSESSION. ERROR\n')
  for (const invalid of [`CONTSCAN ${tree}`, 'RELOAD', 'IDSESSION'])
    t.equal(await ask(`zIDSESSION\0z${invalid}\0`), '1: Command invalid inside IDSESSION. ERROR\0')
  t.equal(
    await ask(
      Buffer.concat([Buffer.from('zIDSESSION\0'), instream('x'.repeat(LIMIT + 1)), Buffer.from('zPING\0')]),
    ),
    '1: INSTREAM size limit exceeded. ERROR\0',
  )
})

t.test('a client that says nothing, or not all, is told so and let go', async (t) => {
  for (const begun of ['', 'zPIN', 'nPING', 'zINSTREAM\0\0\0', 'zIDSESSION\0'])
    t.equal(await ask(begun), 'COMMAND READ TIMED OUT\n', JSON.stringify(begun))
  t.equal(await ask(`z${'A'.repeat(20_000)}`), '', 'a command without end is not answered')
})

t.test('descriptors are refused with a reason', async (t) => {
  t.match(await ask('zFILDES\0\0'), /^FILDES is not supported.* ERROR\0$/)
})

t.test('rules are loaded anew on demand', async (t) => {
  t.equal(await ask('zRELOAD\0'), 'RELOADING\0')
  t.equal(await ask(instream(EICAR)), `stream: ${RULE} FOUND\0`)
})

t.test('over TCP a content can be judged, and files cannot be looked at', async (t) => {
  const to = splitHostPort(tcp.address)
  t.equal(await ask('zPING\0', to), 'PONG\0')
  t.equal(await ask('zVERSION\0', to), 'ClamAV 1.4.3 (Portcullis 9)\0')
  t.equal(await ask(instream(EICAR), to), `stream: ${RULE} FOUND\0`)
  for (const command of [
    `SCAN ${tree}`,
    `CONTSCAN ${tree}`,
    `MULTISCAN ${tree}`,
    'STATS',
    'RELOAD',
    'VERSIONCOMMANDS',
  ])
    t.equal(await ask(`z${command}\0`, to), 'COMMAND UNAVAILABLE\0', command)
  t.equal(await ask(`zIDSESSION\0zSCAN ${tree}\0`, to), '1: COMMAND UNAVAILABLE\0')
})

t.test(
  'the socket is for owner and group, is taken over when left behind and never when in use',
  async (t) => {
    t.equal(statSync(path).mode & 0o777, 0o660)
    const serve = (at: string) =>
      serveConnections({ path: at }, async (socket) => void socket.end(), service.log)
    await t.rejects(serve(path), { code: 'LISTEN_FAILED', message: /another process/ })
    writeFileSync(join(folder, 'file'), '')
    await t.rejects(serve(join(folder, 'file')), { code: 'LISTEN_FAILED', message: /is no socket/ })
    const left = join(folder, 'left.sock')
    const script = `require('net').createServer().listen(${JSON.stringify(left)}, () => process.kill(process.pid, 9))`
    t.throws(() => execFileSync(process.execPath, ['-e', script]))
    await (await serve(left)).close()
  },
)

t.test('no bytes break it', async (t) => {
  const piece = oneof(
    uint8Array({ maxLength: 40 }),
    constantFrom('z', 'n', '\0', '\n', 'INSTREAM', 'IDSESSION', 'PING', 'SCAN ', 'END', '\0\0\0\x01').map(
      (text) => Buffer.from(text, 'latin1'),
    ),
  )
  await assert(
    asyncProperty(array(piece, { maxLength: 12 }), async (pieces) => {
      const socket = connect({ path })
      socket.on('error', () => undefined)
      socket.resume()
      socket.end(Buffer.concat(pieces))
      await new Promise((resolve) => socket.once('close', resolve))
    }),
    { numRuns: Number(process.env['PORTCULLIS_FUZZ_RUNS'] ?? 200) },
  )
  t.equal(await ask('zPING\0'), 'PONG\0')
})

t.test('clamdscan works', async (t) => {
  const run = (...args: readonly string[]): Promise<{ code: number; stdout: string }> =>
    new Promise((resolve, reject) => {
      execFile('clamdscan', args, (error, stdout) => {
        if (error && typeof error.code !== 'number') reject(error)
        else resolve({ code: Number(error?.code ?? 0), stdout })
      })
    })
  const configured = (name: string, text: string): string => {
    const file = join(folder, name)
    writeFileSync(file, text)
    return `--config-file=${file}`
  }
  const { port } = splitHostPort(tcp.address)
  const local = configured('local.conf', `LocalSocket ${path}\n`)
  const remote = configured('remote.conf', `TCPSocket ${port}\nTCPAddr 127.0.0.1\n`)
  const clean = join(tree, 'clean')
  const all = [join(tree, 'eicar.com'), join(tree, 'sub', 'second')]
  const found = all.map((file) => `${file}: ${RULE} FOUND`)
  for (const args of [
    [local],
    [local, '-m'],
    [local, '--stream'],
    [local, '-m', '--stream'],
    [remote, '--stream'],
    [remote, '-m', '--stream'],
  ]) {
    const [config = '', ...options] = args
    const one = await run(config, '--no-summary', ...options, clean)
    t.strictSame(one, { code: 0, stdout: `${clean}: OK\n` }, `clean ${args.join(' ')}`)
    const many = await run(config, '--no-summary', ...options, ...all, clean)
    t.equal(many.code, 1)
    for (const line of found) t.match(many.stdout, line, args.join(' '))
    const none = await run(config, '--no-summary', ...options, join(tree, 'none'))
    t.equal(none.code, 2, `a missing file ${args.join(' ')}`)
  }
  // On this machine clamdscan sends no contents unless told to, and paths are refused over TCP.
  t.match(await run(remote, clean), { code: 2, stdout: /COMMAND UNAVAILABLE/ })
  const whole = await run(local, tree)
  t.equal(whole.code, 1)
  t.match(whole.stdout, /Infected files: 2/)
  t.match(await run(local, '--stream', '-m', tree), { code: 1, stdout: /Infected files: 2/ })
  t.match(await run(local, '--fdpass', clean), { code: 2 }, 'descriptors are refused, not called clean')
  t.match(await run(local, '--ping', '1'), { code: 0 })
  t.match(await run(local, '--version'), { code: 0, stdout: /^ClamAV 1\.4\.3/ })
  t.match(await run(local, '--reload'), { code: 0 })
})
