import { readFile, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { Command } from 'commander'
import t from 'tap'
import { registerLedger } from '../../cli/commands/ledger.js'
import { registerVerify } from '../../cli/commands/verify.js'
import { configSchema } from '../../cli/config.js'
import type { CliContext } from '../../cli/context.js'
import { flagOverrides } from '../../cli/flags.js'
import { openLedgerRecorder, rolePaths } from '../../ledger/client/client.js'
import { parseCoseReceipt } from '../../proofs/cose-receipt.js'
import { parsePolicy } from '../../proofs/policy.js'
import { loadConfig } from '../../runtime/config.js'
import { openOutbox } from '../../runtime/lmdb-outbox.js'
import { createLogger } from '../../runtime/log.js'
import { openTopic } from '../../runtime/topics.js'
import { uuidv7 } from '../../runtime/uuid.js'
import { note } from '../ledger/sample-log.js'
import { ask, start } from '../ledger/sample-role.js'
import { lineOf, makeLog, startWitnessed, witness } from '../ledger/witnessing/sample-witnesses.js'

interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command as `main` does, in this process; an error that it throws is its `code` on standard error. */
async function run(args: readonly string[], stdin = ''): Promise<Outcome> {
  let code = 0
  const written = { stdout: '', stderr: '' }
  const sink = (name: 'stdout' | 'stderr') =>
    new PassThrough().on('data', (chunk: Buffer) => (written[name] += chunk.toString()))
  const context: CliContext = {
    env: {},
    stdin: Readable.from([Buffer.from(stdin)]),
    stdout: sink('stdout'),
    stderr: sink('stderr'),
    setExitCode: (value) => (code = value),
    loadConfig: (flags) =>
      loadConfig(configSchema, {
        file: typeof flags['config'] === 'string' ? flags['config'] : undefined,
        env: {},
        flags: flagOverrides(flags),
      }),
    logger: () => createLogger({ level: 'silent', role: 'ledger' }),
    runRole: () => Promise.reject(new Error('no role is run here')),
  }
  const program = new Command('portcullis').enablePositionalOptions().exitOverride()
  registerLedger(program, context)
  registerVerify(program, context)
  try {
    await program.parseAsync(['node', 'portcullis', ...args])
  } catch (error) {
    code = 1
    const name = error instanceof Error && 'code' in error ? String(error.code) : 'INTERNAL'
    written.stderr += `${name}: ${error instanceof Error ? error.message : String(error)}\n`
  }
  return { code, ...written }
}

const action = JSON.stringify({
  kind: 'decision',
  policy: { id: 'deploy', rev: '3', decision: 'allow' },
  reason: 'the tests pass',
})

void t.test('from an empty folder to a receipt that verifies offline', async (t) => {
  const base = t.testdir({ data: {} })
  const data = join(base, 'data')
  const made = await run(['ledger', 'init', '--data', data, '--name', 'example.org', '--json'])
  t.equal(made.code, 0, made.stderr)
  const { origin, vkey } = JSON.parse(made.stdout) as { origin: string; vkey: string }
  t.match(origin, /^example\.org\/[0-9a-f]{16}$/)
  t.match(await run(['ledger', 'init', '--data', data]), { code: 1, stderr: /^ALREADY_INITIALISED/ })

  const appended = await run(['ledger', 'append', '--data', data, '--agent', 'ci/deployer'], action)
  t.equal(appended.code, 0, appended.stderr)
  const { index, id } = JSON.parse(appended.stdout) as { index: number; id: string }
  t.equal(index, 2, 'behind its registration and the opening of its own session')
  t.same(await readdir(join(data, 'cli')), ['ci%2Fdeployer.key'])
  t.equal((await stat(join(data, 'cli', 'ci%2Fdeployer.key'))).mode & 0o777, 0o600)

  const checkpoint = await run(['ledger', 'checkpoint', '--data', data])
  t.ok(checkpoint.stdout.startsWith(`${origin}\n5\n`))
  t.match(
    (await run(['ledger', 'proof', '2', '--data', data])).stdout,
    /^c2sp\.org\/tlog-proof@v1\nindex 2\n/,
  )
  t.match(JSON.parse((await run(['ledger', 'proof', id, '--data', data, '--json'])).stdout), {
    index: 2,
    size: 5,
  })

  const policy = await run(['ledger', 'policy', '--data', data])
  t.match(parsePolicy(policy.stdout), {
    quorum: 'none',
    agents: [{ isRoot: true }, { verifier: { name: 'ci/deployer' }, first: 0 }],
  })
  t.ok(policy.stdout.includes(vkey))
  await writeFile(join(base, 'policy'), policy.stdout)

  const receipt = join(base, 'receipt.json')
  t.match(await run(['ledger', 'receipt', id, '--data', data, '--out', receipt]), { code: 0, stdout: '' })
  const verified = await run(['verify', receipt, '--trust', join(base, 'policy')])
  t.match(verified, { code: 0, stderr: '' })
  t.match(verified.stdout, `ok: decision ${id} of ci/deployer: entry 2 of 5`)
  const asJson = await run(['verify', receipt, '--trust', join(base, 'policy'), '--json'])
  t.match(JSON.parse(asJson.stdout), { ok: true, index: 2, entry: { kind: 'decision' }, checks: Array })

  const before = await run(['ledger', '--data', data, 'policy'])
  t.equal(before.stdout, policy.stdout, 'flags before the command count, too')
})

void t.test('any flipped byte of a receipt has its code, and keys come from the policy alone', async (t) => {
  const base = t.testdir({ data: {}, other: {} })
  const data = join(base, 'data')
  const { id } = JSON.parse((await run(['ledger', 'append', '--data', data], action)).stdout) as {
    id: string
  }
  await writeFile(join(base, 'policy'), (await run(['ledger', 'policy', '--data', data])).stdout)
  const receipt = (await run(['ledger', 'receipt', id, '--data', data])).stdout
  await writeFile(join(base, 'good'), receipt)
  t.equal((await run(['verify', join(base, 'good'), '--trust', join(base, 'policy')])).code, 0)
  const codes = new Set<string>()
  const step = Math.ceil(receipt.length / 150)
  for (let at = 0; at < receipt.length; at += step) {
    const bytes = Buffer.from(receipt)
    bytes[at] = bytes[at]! ^ 1
    await writeFile(join(base, 'bad'), bytes)
    const { code, stdout, stderr } = await run(['verify', join(base, 'bad'), '--trust', join(base, 'policy')])
    if (code !== 1 || stdout !== '' || !/^[a-z_]+: ./.test(stderr)) t.fail(`byte ${at}: ${code} ${stderr}`)
    codes.add(stderr.split(':')[0] ?? '')
  }
  t.ok(codes.size >= 4, [...codes].join(' '))

  await run(['ledger', 'init', '--data', join(base, 'other')])
  await writeFile(
    join(base, 'other-policy'),
    (await run(['ledger', 'policy', '--data', join(base, 'other')])).stdout,
  )
  const foreign = await run(['verify', join(base, 'good'), '--trust', join(base, 'other-policy'), '--json'])
  t.match(foreign, { code: 1, stderr: /^unknown_key/ })
  t.match(JSON.parse(foreign.stdout), { ok: false, code: 'unknown_key' })
  t.match(await run(['verify', join(base, 'good'), '--trust', join(base, 'good')]), {
    code: 1,
    stderr: /^malformed_policy/,
  })
  await writeFile(join(base, 'huge'), Buffer.alloc(2_000_000, '['))
  t.match(await run(['verify', join(base, 'huge'), '--trust', join(base, 'policy')]), {
    code: 1,
    stderr: /^too_large/,
  })
  t.match(await run(['verify', join(base, 'none'), '--trust', join(base, 'policy')]), {
    code: 1,
    stderr: /^ENOENT/,
  })
})

void t.test('the same commands through the socket of a running ledger', async (t) => {
  const base = t.testdir({ data: {} })
  const data = join(base, 'data')
  const running = await start(data)
  t.teardown(() => running.stop())
  const first = JSON.parse((await run(['ledger', 'append', '--data', data], action)).stdout) as {
    index: number
  }
  const second = JSON.parse((await run(['ledger', 'append', '--data', data], action)).stdout) as {
    index: number
  }
  t.same([first.index, second.index], [2, 6])

  const client = await openLedgerRecorder({
    agent: 'gateway',
    ...rolePaths(data, 'gateway'),
    topic: running.topic,
    clock: { now: () => Date.now() },
    maxDelayMs: 300,
  })
  const id = uuidv7(Date.now())
  client.record({
    id,
    kind: 'security.verdict',
    ts: Date.now(),
    members: {
      verdict: { action: 'block', phase: 'rce', mode: 'block', status: 403, score: 5, truncated: [] },
      rules: [932100],
      record: { alg: 'hmac-sha256', hash: 'cd'.repeat(32) },
    },
  })
  const receipt = join(base, 'receipt')
  t.equal(
    (await run(['ledger', 'receipt', id, '--data', data, '--out', receipt])).code,
    0,
    'waits for its batch',
  )
  await writeFile(join(base, 'policy'), (await run(['ledger', 'policy', '--data', data])).stdout)
  t.equal((await run(['verify', receipt, '--trust', join(base, 'policy')])).code, 0)
  await client.close()
  const gone = await run(['ledger', 'receipt', uuidv7(Date.now()), '--data', data, '--wait', '0'])
  t.match(gone, { code: 1, stderr: /^NOT_FOUND: .*security\.summary/ })
})

void t.test('verdicts that wait in the outbox are taken in when no ledger runs', async (t) => {
  const base = t.testdir({ data: {} })
  const data = join(base, 'data')
  t.match(await run(['ledger', 'init', '--data', data]), { code: 0 })
  const outbox = openOutbox(join(data, 'outbox'))
  const client = await openLedgerRecorder({
    agent: 'gateway',
    ...rolePaths(data, 'gateway'),
    topic: openTopic(outbox, 'ledger'),
    clock: { now: () => Date.now() },
  })
  const id = client.record({
    kind: 'decision',
    ts: 1,
    members: { policy: { id: 'a', rev: '1', decision: 'allow' } },
  })
  await client.close()
  await outbox.close()
  t.match(await run(['ledger', 'receipt', id ?? '', '--data', data]), { code: 0, stdout: /^\{"checkpoint"/ })
})

void t.test('what is appended is an action, an entry, or refused', async (t) => {
  const base = t.testdir({ data: {} })
  const data = join(base, 'data')
  const append = (input: string, ...more: string[]) =>
    run(['ledger', 'append', '--data', data, ...more], input)
  t.match(await append('not json'), { code: 1, stderr: /^USAGE/ })
  t.match(await append('[]'), { code: 1, stderr: /^USAGE/ })
  t.match(await append('{"kind":"nonsense"}'), { code: 1, stderr: /^MALFORMED_ACTION/ })
  t.match(await append('{"kind":"decision","extra":1.5}'), { code: 1, stderr: /^NOT_CANONICAL/ })
  t.match(await append(action, '--agent', 'Not A Name'), { code: 1, stderr: /^USAGE/ })
  const id = uuidv7(Date.now())
  const whole = JSON.stringify({ ...JSON.parse(action), id, session: 'given', seq: 7 })
  const one = JSON.parse((await append(whole)).stdout) as { index: number; id: string }
  t.same(one, { index: 1, id }, 'behind its registration')
  const running = await start(data)
  const { body } = await ask(data, '/v1/entries/1')
  await writeFile(join(base, 'entry'), body)
  t.same(JSON.parse((await run(['ledger', 'append', join(base, 'entry'), '--data', data])).stdout), {
    index: 1,
    id,
  })
  t.match(await append(JSON.stringify({ ...JSON.parse(whole), seq: 8 })), { code: 1, stderr: /^ID_CONFLICT/ })
  await running.stop()
  t.match(await append(`portcullis.dev/action/v1\nnonsense\n`), { code: 1, stderr: /^MALFORMED/ })
  t.match(await run(['ledger', 'proof', '99', '--data', data]), { code: 1, stderr: /^NOT_FOUND/ })
  t.match(await run(['ledger', 'policy', '--data', join(base, 'empty')]), {
    code: 1,
    stderr: /^NOT_INITIALISED/,
  })
})

void t.test('a configured origin guards against an empty folder', async (t) => {
  const base = t.testdir({ data: {} })
  const data = join(base, 'data')
  const file = join(base, 'config.yaml')
  await writeFile(file, 'ledger:\n  origin: lost/0123456789abcdef\n')
  const flags = ['--data', data, '--config', file]
  t.match(await run(['ledger', 'checkpoint', ...flags]), { code: 1, stderr: /^NOT_INITIALISED/ })
  const made = await run(['ledger', 'init', ...flags])
  t.match(made, { code: 0, stdout: /^origin /, stderr: /change it to/ })
  t.match(await run(['ledger', 'checkpoint', ...flags]), { code: 1, stderr: /^BAD_IDENTITY/ })
  t.ok((await readFile(join(data, 'ledger', 'log.json'), 'utf8')).includes('"origin"'))
})

void t.test('the policy of a log names its witnesses, and a command keeps what they cosigned', async (t) => {
  const base = t.testdir({ log: {}, one: {} })
  const data = join(base, 'log')
  const { vkey, alice } = await makeLog(data)
  const one = await witness(join(base, 'one'), vkey)
  t.teardown(() => one.stop())
  const lines = [lineOf('one', one), 'quorum one']
  const running = await startWitnessed(data, lines)
  const sent = { method: 'POST', headers: { 'content-type': 'text/x.portcullis.note' }, body: note(alice) }
  t.equal((await ask(data, '/v1/entries?wait=witnessed', sent)).status, 201)
  await running.stop()

  const config = join(base, 'portcullis.yaml')
  await writeFile(config, JSON.stringify({ ledger: { witnesses: { policy: `${lines.join('\n')}\n` } } }))
  const policy = await run(['ledger', 'policy', '--data', data, '--config', config])
  t.equal(policy.code, 0, policy.stderr)
  t.match(
    policy.stdout,
    /^witness one witness\.example\/[0-9a-f]{16}\+\S+\nquorum one\n/m,
    'without their addresses',
  )
  const trust = join(base, 'policy.txt')
  await writeFile(trust, policy.stdout)
  const receipt = join(base, 'receipt.json')
  const written = await run(['ledger', 'receipt', '0', '--data', data, '--config', config, '--out', receipt])
  t.equal(written.code, 0, written.stderr)
  const verified = await run(['verify', receipt, '--trust', trust, '--json'])
  t.equal(verified.code, 0, verified.stderr)
  t.match(JSON.parse(verified.stdout), { ok: true })
})

void t.test(
  'a session and a COSE receipt are written, and verify takes files, URLs and sessions',
  async (t) => {
    const base = t.testdir({ data: {} })
    const data = join(base, 'data')
    const file = (name: string) => join(base, name)
    const action = { kind: 'decision', policy: { id: 'p', rev: '1', decision: 'allow' } }
    const appended = await run(['ledger', 'append', '--data', data], JSON.stringify(action))
    t.equal(appended.code, 0, appended.stderr)
    const { id } = JSON.parse(appended.stdout) as { id: string }
    await writeFile(file('policy'), (await run(['ledger', 'policy', '--data', data])).stdout)
    const entry = await run(['ledger', 'receipt', id, '--data', data, '--out', file('receipt')])
    t.equal(entry.code, 0, entry.stderr)
    const verdict = await run(['verify', file('receipt'), '--policy', file('policy'), '--json'])
    const { session } = (JSON.parse(verdict.stdout) as { entry: { session: string } }).entry
    t.equal((await run(['ledger', 'bundle', session, '--data', data, '--out', file('bundle')])).code, 0)
    const policy = ['--policy', file('policy')]
    t.match(await run(['verify', file('bundle'), ...policy]), {
      code: 0,
      stdout: /^ok: session s-.*, closed: 4 entries of cli \(3\)/,
    })
    t.match(await run(['verify', file('bundle'), ...policy, '--session', 'x']), {
      code: 1,
      stderr: /^wrong_session/,
    })
    t.match(await run(['verify', file('receipt'), ...policy, '--session', session]), { code: 0 })
    t.match(JSON.parse((await run(['ledger', 'session', session, '--data', data])).stdout), {
      completeness: { state: 'closed' },
    })
    t.match(await run(['ledger', 'session', 'none', '--data', data]), { code: 1, stderr: /^NOT_FOUND/ })
    await run(['ledger', 'receipt', id, '--data', data, '--format', 'cose', '--out', file('cose')])
    t.match(parseCoseReceipt(await readFile(file('cose'))), { index: 2, size: 5 })
    t.match(JSON.parse((await run(['ledger', 'openapi'])).stdout), { openapi: '3.1.0' })
    t.match(await run(['verify', file('receipt')]), { code: 1, stderr: /^USAGE: .*--policy/ })
    t.match(await run(['verify', file('receipt'), ...policy, '--trust', 'x']), { code: 1, stderr: /^USAGE/ })

    const running = await start(data, { tcp: true })
    t.teardown(() => running.stop())
    const url = `http://${running.role.info['listen']}/v1/bundle/${session}`
    t.match(await run(['verify', url, ...policy]), { code: 1, stderr: /^OUTBOUND_REFUSED/ })
    const near = ['--allow', '127.0.0.0/8']
    t.match(await run(['verify', url, ...policy, ...near]), { code: 0, stdout: /^ok: session/ })
    t.match(await run(['verify', `${url}x`, ...policy, ...near]), {
      code: 1,
      stderr: /^OUTBOUND_FAILED: .* 404/,
    })
    t.match(await run(['verify', url, ...policy, '--allow', 'x']), { code: 1, stderr: /^USAGE: --allow/ })
  },
)

void t.test('a body is committed to, disclosed and redacted, and the proof goes on verifying', async (t) => {
  const base = t.testdir({
    data: {},
    'request.json': '{"path":"/etc/hosts"}',
    'response.json': '{"lines":3}',
    'other.json': '{"lines":4}',
    'action.json': JSON.stringify({
      kind: 'tool.result',
      status: 'ok',
      target: { server: 'files', tool: 'read' },
    }),
  })
  const at = (name: string): string => join(base, name)
  const data = ['--data', at('data')]
  t.equal((await run(['ledger', 'init', ...data])).code, 0)
  const commits = ['--commit', `in=${at('request.json')}`, '--commit', `out=${at('response.json')}`]
  const appended = await run(['ledger', 'append', at('action.json'), ...commits, ...data])
  t.equal(appended.code, 0, appended.stderr)
  const { id, index } = JSON.parse(appended.stdout) as { id: string; index: number }
  const policy = await run(['ledger', 'policy', ...data])
  await writeFile(at('policy'), policy.stdout)
  t.equal((await run(['ledger', 'receipt', id, '--out', at('receipt'), ...data])).code, 0)
  t.notMatch(
    await readFile(at('receipt'), 'utf8'),
    Buffer.from('{"lines":3}').toString('base64').slice(0, 12),
  )

  const body = (...args: string[]) => run(['ledger', 'body', id, ...args, ...data])
  t.match(await body(), { code: 1, stderr: /--member names one of in, out/ })
  t.match(await body('--member', 'out'), { code: 0, stdout: '{"lines":3}' })
  t.equal((await body('--member', 'out', '--opening', '--out', at('opening'))).code, 0)
  const verify = (...args: string[]) => run(['verify', at('receipt'), '--policy', at('policy'), ...args])
  t.match(await verify('--opening', at('opening')), { code: 0, stdout: /opening is what out commits to/ })
  const opening = await readFile(at('opening'), 'utf8')
  const lie = opening.replace(
    Buffer.from('{"lines":3}').toString('base64'),
    Buffer.from('{"lines":4}').toString('base64'),
  )
  await writeFile(at('lie'), lie)
  t.match(await verify('--opening', at('lie')), { code: 1, stderr: /^commitment_mismatch: / })
  const json = await verify('--opening', at('lie'), '--json')
  t.match(JSON.parse(json.stdout), { ok: false, code: 'commitment_mismatch' })
  t.match(await verify('--opening', at('request.json')), { code: 1, stderr: /^malformed_opening: / })

  const redacted = await run(['ledger', 'redact', id, '--reason', 'asked for', ...data])
  t.match(JSON.parse(redacted.stdout), { redacts: index, erased: 2 }, redacted.stderr)
  t.match(await body('--member', 'out'), { code: 1, stderr: /^NOT_FOUND: no body is kept/ })
  t.equal((await verify()).code, 0, 'the receipt still verifies')
  t.equal((await verify('--opening', at('opening'))).code, 0, 'and so does what was disclosed before')
  const redaction = JSON.parse(redacted.stdout) as { id: string }
  t.equal((await run(['ledger', 'receipt', redaction.id, '--out', at('receipt'), ...data])).code, 0)
  t.match(await verify(), { code: 0, stdout: /ok: redaction/ })

  t.equal((await run(['ledger', 'append', at('action.json'), ...commits, ...data])).code, 0)
  t.match(await run(['ledger', 'redact', '--older-than', '1', ...data]), { code: 0, stdout: '' })
  const swept = await run(['ledger', 'redact', '--older-than', '0', ...data])
  t.equal(swept.code, 0, swept.stderr)
  t.same(
    swept.stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { erased: number }).erased),
    [2],
    'one redaction for both bodies of an entry',
  )
  t.match(await run(['ledger', 'redact', ...data]), { code: 1, stderr: /name an entry, or say --older-than/ })
})
