import { chmod, readdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { CommandAgent } from '../../../../incidents/agents/command/agent.js'
import { confinementOf } from '../../../../incidents/agents/command/confinement.js'
import { endLeftovers } from '../../../../incidents/agents/command/execute.js'
import { PRESETS } from '../../../../incidents/agents/command/presets.js'
import { agentsConfig, type AgentConfigOf } from '../../../../incidents/agents/config.js'
import { uuidv7 } from '../../../../runtime/uuid.js'

const log = pino({ level: 'silent' })
const isRoot = process.getuid?.() === 0
const NOBODY = { run_as: { uid: 65_534, gid: 65_534 } }
const SANDBOX = { sandbox: 'bubblewrap' }
/** As another user only where we may become one. */
const CONFINEMENTS = isRoot
  ? { run_as: NOBODY, sandbox: SANDBOX, both: { ...NOBODY, ...SANDBOX } }
  : { sandbox: SANDBOX }

const configOf = (more: object): AgentConfigOf<'command'> =>
  agentsConfig.parse([{ id: 'program', type: 'command', ...more }])[0] as AgentConfigOf<'command'>

const dataOf = async (t: Test): Promise<string> => {
  const data = t.testdir({ 'secret.key': 'the key' })
  await chmod(data, 0o700)
  return data
}

/** Runs a shell script as an agent. */
const work = async (
  t: Test,
  script: string,
  more: object,
  { limit = 20_000, signal = new AbortController().signal, data = '"{}"' } = {},
) => {
  const folder = await dataOf(t)
  const agent = await CommandAgent.start(configOf({ command: ['/bin/sh', '-c', script, folder], ...more }), {
    data: folder,
    log,
    now: Date.now,
  })
  const run = uuidv7(Date.now())
  const outcome = await agent.dispatch(
    {
      run,
      incident: uuidv7(Date.now()),
      attempt: 1,
      deadline: Date.now() + limit,
      result_url: 'https://portcullis.example/v1/agent-runs/x/result',
      result_token: 'a-token-that-the-program-does-not-need',
      instructions: 'look',
      data,
      issues: [],
      resumed: false,
    },
    signal,
  )
  return { run, result: outcome.kind === 'completed' ? outcome.result : undefined }
}

const say = (words: string) => `printf '{"status":"success","summary":"%s"}' "${words}"`

for (const [name, confinement] of Object.entries(CONFINEMENTS)) {
  void t.test(`${name}: the task comes on standard input, the result goes to standard output`, async (t) => {
    const hostile = JSON.stringify(JSON.stringify({ path: '/zebra"; id; `id` $(id)\u2028' }))
    const { result, run } = await work(
      t,
      'tasks=$(grep -c ze[b]ra); case "$(tr "\\0" " " < /proc/$$/cmdline)" in *ze"b"ra*) seen=1;; *) seen=0;; esac; ' +
        say('$tasks $seen'),
      confinement,
      { data: hostile },
    )
    t.strictSame(result, { run_id: run, status: 'success', summary: '1 0', proposed_actions: [] })
  })

  void t.test(
    `${name}: it has an environment and a working folder of its own, gone afterwards`,
    async (t) => {
      process.env['SECRET_OF_THE_ROLE'] = 'x'
      process.env['KEY_OF_THE_AGENT'] = 'its own key'
      const { result } = await work(
        t,
        'touch mine; ' + say('$(env -0 | cut -z -d= -f1 | sort -z | tr "\\0" " ")|$API_KEY|$(ls)|$(pwd)'),
        { ...confinement, environment: { API_KEY: 'env:KEY_OF_THE_AGENT' } },
      )
      const [names, key, files, folder] = result?.summary.split('|') ?? []
      // tap adds variables of its own to each process that a test starts.
      const given = names?.split(' ').filter((word) => word !== '' && !/^_?TAP|^NODE_OPTIONS$|\//.test(word))
      t.strictSame(given, ['API_KEY', 'HOME', 'LANG', 'PATH', 'PORTCULLIS_RUN', 'PWD', 'TMPDIR'])
      t.equal(key, 'its own key')
      t.equal(files, 'mine')
      t.match(folder, name === 'run_as' ? /portcullis-agent-/ : /^\/work$/)
      t.strictSame(
        (await readdir(tmpdir())).filter((file) => folder?.endsWith(file)),
        [],
      )
    },
  )

  void t.test(
    `${name}: it does not reach the data folder, and gains nothing by set-uid programs`,
    async (t) => {
      const { result } = await work(
        t,
        'if cat "$0"/secret.key || ls "$0" || echo > "$0"/x; then seen=1; else seen=0; fi 2>/dev/null; ' +
          say('$seen $(grep NoNewPrivs /proc/self/status | tr -dc 01)'),
        confinement,
      )
      t.equal(result?.summary, '0 1')
    },
  )

  void t.test(`${name}: one that takes too long ends with all that it started`, async (t) => {
    const { result, run } = await work(
      t,
      "trap '' TERM; sleep 1000 & setsid sleep 1000 & (setsid sh -c 'sleep 1000 & sleep 1000' &) ; wait",
      confinement,
      { limit: 300 },
    )
    t.match(result, { status: 'timeout' })
    t.strictSame(await marked(run), [])
  })

  void t.test(
    `${name}: one that answers and leaves something behind does not keep its run open`,
    async (t) => {
      const { result, run } = await work(t, 'setsid sleep 1000 & ' + say('ok'), confinement)
      t.match(result, { status: 'success', summary: 'ok' })
      t.strictSame(await marked(run), [])
    },
  )

  void t.test(`${name}: one that writes without end is ended`, async (t) => {
    const { result } = await work(t, 'yes', { ...confinement, max_output_bytes: 4096 })
    t.match(result, { status: 'failed', summary: /more than 4096 bytes/ })
  })
}

const marked = async (run: string): Promise<string[]> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const found = await Promise.all(
    pids.map(async (pid) => (await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '')).includes(run)),
  )
  return pids.filter((_, at) => found[at])
}

void t.test('a program that fails, or answers with no result, has failed its run', async (t) => {
  const [confinement] = Object.values(CONFINEMENTS)
  t.match((await work(t, 'exit 3', confinement ?? {})).result, { status: 'failed', summary: /status 3/ })
  t.match((await work(t, 'echo hello', confinement ?? {})).result, { status: 'failed', summary: /no JSON/ })
  const missing = await work(t, '', { ...confinement, command: ['/nowhere/agent'] })
  t.match(missing.result, { status: 'failed', summary: /status 127/ })
})

void t.test('a run that the role stops is no result', async (t) => {
  const stop = new AbortController()
  const [confinement] = Object.values(CONFINEMENTS)
  const running = work(t, 'sleep 1000', confinement ?? {}, { signal: stop.signal })
  setImmediate(() => stop.abort())
  await t.rejects(running, { code: 'AGENT_UNREACHABLE', retryable: true })
})

void t.test('without a confinement that holds it is not started', async (t) => {
  const data = await dataOf(t)
  t.throws(() => configOf({ command: ['/bin/true'] }), /run_as/)
  const bare = { ...configOf({ command: ['/bin/true'], ...SANDBOX }), sandbox: undefined }
  await t.rejects(confinementOf(bare, data), { code: 'AGENT_SANDBOX', message: /neither run_as nor sandbox/ })
  for (const path of [data, '/'])
    await t.rejects(
      confinementOf(configOf({ command: ['/bin/true'], ...SANDBOX, read_only: [path] }), data),
      {
        code: 'AGENT_SANDBOX',
        message: /data folder/,
      },
    )
  await t.rejects(
    confinementOf(configOf({ command: ['/bin/true'], ...SANDBOX, read_only: ['/not/there'] }), data),
    {
      code: 'AGENT_SANDBOX',
    },
  )
  const other = configOf({ command: ['/bin/true'], ...NOBODY })
  if (isRoot) {
    await chmod(data, 0o755)
    await t.rejects(confinementOf(other, data), { code: 'AGENT_SANDBOX', message: /reaches/ })
  } else
    await t.rejects(confinementOf(other, data), {
      code: 'AGENT_SANDBOX',
      message: /needs a role that runs as root/,
    })
})

void t.test('no preset is started with a flag by which it grants itself anything', async (t) => {
  for (const [name, { command, environment }] of Object.entries(PRESETS)) {
    t.notMatch(command.join(' '), /bypass|danger|yolo|full-auto|--auto|skip-permissions|allow|never/i, name)
    t.notMatch(JSON.stringify(environment), /allow/i, name)
  }
  t.throws(() => configOf({ preset: 'codex', command: ['x'], ...SANDBOX }), /either a preset or a command/)
})

void t.test('nothing is left of a run that nobody runs', async (t) => {
  await endLeftovers(uuidv7(Date.now()))
  t.pass('and nothing else was ended')
})
