import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { openLedgerRecorder, rolePaths } from '../../../ledger/client/client.js'
import { encodeCommand, type ScannerCommand } from '../../../runtime/commands.js'
import type { CommandEvent } from '../../../runtime/events.js'
import { openOutbox } from '../../../runtime/lmdb-outbox.js'
import { openTopic } from '../../../runtime/topics.js'
import { uuidv7 } from '../../../runtime/uuid.js'
import { scannerConfig } from '../../../scanner/config.js'
import { poolOptions } from '../../../scanner/pool-options.js'
import { ScanPool } from '../../../scanner/pool.js'
import { Vault } from '../../../scanner/quarantine/vault.js'
import { startResponse } from '../../../scanner/response/serve.js'
import { EICAR, sha256 } from '../sample-files.js'
import { holdFile, runs } from './hold-file.js'

const clock = { now: () => Date.now() }
const log = pino({ level: 'silent' })

/** Runs what it is sent, by a name put together at run time: only the model says anything of it. */
const SHELL =
  "<?php\n@error_reporting(0);\n$f = 'ass' . 'ert';\n$k = $_POST['k'];\nif (md5($k) === 'x') { @$f($_POST['c']); }\n" +
  "echo shell_exec($k) . passthru($_REQUEST['cmd'] . ' 2>&1');\n"

const pool = await ScanPool.start({ ...poolOptions(scannerConfig.parse({ jobs: 1 })), yaraRules: [] })
t.teardown(() => pool.close())

/** A scanner that answers commands; `give` resolves with the event that tells what came of one. */
const answering = async (t: Test, policy = { kill: true, dry_run: false }) => {
  // Not a folder of the test's, which is gone when a teardown runs.
  const base = mkdtempSync(join(tmpdir(), 'portcullis-test-'))
  const data = join(base, 'data')
  const tree = join(base, 'tree')
  mkdirSync(tree)
  const outbox = openOutbox(join(data, 'outbox'))
  const events = openTopic(outbox, 'events')
  const commands = openTopic(outbox, 'commands.scanner')
  const seen: CommandEvent[] = []
  const waiting = new Map<string, (event: CommandEvent) => void>()
  const observer = events.consume('incidents', async (items) => {
    for (const { bytes } of items) {
      const event = JSON.parse(Buffer.from(bytes).toString('utf8')) as CommandEvent
      seen.push(event)
      waiting.get(`${event.type.slice(8)} ${event.data.command}`)?.(event)
      waiting.get(event.data.command)?.(event)
    }
  })
  const entries: string[] = []
  const entering = openTopic(outbox, 'ledger').consume('ledger', async (items) => {
    for (const { bytes } of items) entries.push(Buffer.from(bytes).toString('latin1'))
  })
  const ledger = await openLedgerRecorder({
    agent: 'scanner',
    ...rolePaths(data, 'scanner'),
    topic: openTopic(outbox, 'ledger'),
    clock,
  })
  const folder = join(data, 'scanner')
  const vault = await Vault.open(folder, clock.now)
  const response = await startResponse({
    policy,
    folder,
    commands,
    vault,
    pool,
    log,
    ledger,
    events,
    now: clock.now,
    onBlocked: () => undefined,
  })
  t.teardown(async () => {
    await response.close()
    await ledger.close()
    await observer.stop()
    await entering.stop()
    await outbox.close()
    pool.block(new Map())
    rmSync(base, { recursive: true })
  })
  const commandOf = (action: ScannerCommand['action'], more: Partial<ScannerCommand> = {}) => ({
    id: uuidv7(clock.now()),
    time: clock.now(),
    by: 'playbook:test',
    action,
    dry_run: false,
    ...more,
  })
  const until = (key: string): Promise<CommandEvent> => new Promise((resolve) => waiting.set(key, resolve))
  return {
    tree,
    vault,
    seen,
    until,
    commandOf,
    /** What the ledger was given so far. */
    entered: async () => {
      await ledger.flush()
      await entering.drained()
      return entries.join('\n')
    },
    /** A file and what a command says of it. */
    file: (name: string, content: string) => {
      const path = join(tree, name)
      writeFileSync(path, content)
      return { path, sha256: sha256(content) }
    },
    give: async (
      action: ScannerCommand['action'],
      more: Partial<ScannerCommand> = {},
    ): Promise<CommandEvent> => {
      const command = commandOf(action, more)
      const told = until(command.id)
      await commands.append(encodeCommand(command))
      return told
    },
    send: (command: ScannerCommand) => commands.append(encodeCommand(command)),
  }
}

const person = { by: 'person:ann' }
const judge = (path: string) => pool.judge(Buffer.from(path))

t.test(
  'a malicious file goes into the vault when a playbook asks, and back when a person does',
  async (t) => {
    const { file, give, vault, entered } = await answering(t)
    const found = file('eicar.com', EICAR)
    const incident = uuidv7(1)
    const told = await give({ type: 'quarantine', ...found }, { incident })
    t.match(told, { type: 'command.applied', data: { incident, role: 'scanner', action: 'quarantine' } })
    t.notOk(existsSync(found.path))
    const item = told.data.quarantine ?? ''
    t.match(await vault.show(item), { path: found.path, sha256: found.sha256 })
    t.match(await give({ type: 'restore', item }), { data: { code: 'RESPONSE_NEEDS_PERSON' } })
    t.match(await give({ type: 'revoke', command: told.data.command }), {
      data: { code: 'RESPONSE_NEEDS_PERSON' },
    })
    t.match(await give({ type: 'revoke', command: told.data.command }, person), { type: 'command.applied' })
    t.equal(readFileSync(found.path, 'utf8'), EICAR)
    const ledger = await entered()
    for (const kind of ['quarantine.stored', 'quarantine.restored', 'decision'])
      t.ok(ledger.includes(`"kind":"${kind}"`), kind)
    t.notOk(ledger.includes('eicar.com'), 'the ledger holds no path')
  },
)

t.test('nothing is done on the word of a model alone, until a person decides', async (t) => {
  const { file, give, tree } = await answering(t)
  const found = file('a.php', SHELL)
  t.match(await judge(found.path), { verdict: 'suspicious', reasons: [{ engine: 'onnx' }] })
  for (const type of ['quarantine', 'kill'] as const)
    t.match(await give({ type, ...found }), {
      type: 'command.refused',
      data: { code: 'RESPONSE_NOT_MALICIOUS' },
    })
  t.match(await give({ type: 'delete', ...found }), { data: { code: 'RESPONSE_NEEDS_PERSON' } })
  // A digest that a playbook blocks makes no file malicious, so that it cannot open the way either.
  t.match(await give({ type: 'block_hash', sha256: found.sha256 }), { type: 'command.applied' })
  t.match(await judge(found.path), { verdict: 'suspicious' })
  t.match(await give({ type: 'quarantine', ...found }), { data: { code: 'RESPONSE_NOT_MALICIOUS' } })
  t.ok(existsSync(found.path))
  t.match(await give({ type: 'quarantine', ...found }, person), { type: 'command.applied' })
  t.strictSame(readdirSync(tree), [])
})

t.test('a blocked digest is found at once, and no longer when it is revoked or over', async (t) => {
  const { file, give, until } = await answering(t)
  const { path, sha256: digest } = file('new', 'a new threat')
  t.match(await judge(path), { verdict: 'clean' })
  const told = await give({ type: 'block_hash', sha256: digest }, person)
  t.match(await judge(path), {
    verdict: 'malicious',
    reasons: [{ engine: 'hash', rule: 'blocked_hash', level: 'malicious' }],
  })
  await give({ type: 'block_hash', sha256: digest })
  t.match(await judge(path), { verdict: 'malicious' }, 'a playbook does not weaken it')
  await give({ type: 'revoke', command: told.data.command }, person)
  t.match(await judge(path), { verdict: 'clean' })
  const short = await give({ type: 'block_hash', sha256: digest }, { ...person, expires: clock.now() + 400 })
  const ended = await until(`ended ${short.data.command}`)
  t.match(ended.data, { code: 'EXPIRED', action: 'block_hash' })
  t.match(await give({ type: 'block_hash', sha256: digest }, { expires: 1 }), {
    data: { code: 'RESPONSE_EXPIRED' },
  })
  await give({ type: 'block_hash', sha256: sha256('other') })
  t.match(await judge(path), { verdict: 'clean' })
})

t.test('a command is carried out once, however often it comes', async (t) => {
  const { file, commandOf, send, seen, until, give } = await answering(t)
  const found = file('eicar.com', EICAR)
  const command = commandOf({ type: 'quarantine', ...found })
  const told = until(command.id)
  await send(command)
  await told
  writeFileSync(found.path, EICAR)
  await send(command)
  await send(command)
  await give({ type: 'block_hash', sha256: found.sha256 })
  t.ok(existsSync(found.path), 'the new file is not meant')
  t.equal(seen.filter(({ data }) => data.command === command.id).length, 1)
})

t.test('a person may delete; other names of the file are told', async (t) => {
  const { file, give, tree, entered } = await answering(t)
  const found = file('bad', 'a bad file')
  linkSync(found.path, join(tree, 'other'))
  t.match(await give({ type: 'delete', ...found, sha256: sha256('another') }, person), {
    data: { code: 'QUARANTINE_CHANGED' },
  })
  t.ok(existsSync(found.path))
  const told = await give({ type: 'delete', ...found }, person)
  t.match(told.data, { reason: /1 other names of the file \(hard links\) remain/ })
  t.strictSame(readdirSync(tree), ['other'])
  t.match(await entered(), /"kind":"file.deleted"/)
})

t.test('a dry run says what would be done and does nothing', async (t) => {
  for (const dryBy of ['command', 'policy']) {
    const { file, give, vault, entered } = await answering(t, { kill: true, dry_run: dryBy === 'policy' })
    const found = file('eicar.com', EICAR)
    const more = { ...person, dry_run: dryBy === 'command' }
    for (const action of [
      { type: 'quarantine', ...found },
      { type: 'delete', ...found },
      { type: 'block_hash', sha256: sha256('x') },
    ] as const)
      t.match(await give(action, more), {
        type: 'command.applied',
        data: { dry_run: true, reason: /would/ },
      })
    t.equal(readFileSync(found.path, 'utf8'), EICAR)
    t.strictSame(await vault.list(), [])
    t.strictSame([...(pool.options.blocked ?? [])], [])
    t.match(await entered(), /"decision":"dry_run"/)
  }
})

t.test('what belongs to the scanner itself is left alone', async (t) => {
  const { give, tree } = await answering(t)
  const key = join(tree, '..', 'data', 'scanner', 'vault.key')
  const action = { type: 'delete', path: key, sha256: sha256(readFileSync(key)) } as const
  t.match(await give(action, person), { data: { code: 'RESPONSE_PROTECTED' } })
  t.match(await give({ ...action, path: process.execPath }, person), {
    data: { code: 'RESPONSE_PROTECTED' },
  })
  t.match(
    await give({ ...action, path: join(tree, '..', 'tree', '..', 'data', 'scanner', 'vault.key') }, person),
    {
      type: 'command.refused',
    },
  )
  t.ok(existsSync(key))
})

t.test('what is no command stops none of those behind it', async (t) => {
  const { give, send } = await answering(t)
  await send({ nonsense: true } as never)
  t.match(await give({ type: 'block_hash', sha256: sha256('x') }), { type: 'command.applied' })
})

t.test('processes that hold a malicious file are ended, where that is on', async (t) => {
  const { file, give, entered } = await answering(t)
  const found = file('eicar.com', EICAR)
  const holder = await holdFile(t, found.path, 'orphan')
  const bystander = await holdFile(t, file('other', 'x').path, 'orphan')
  // As our workers are: what the scanner itself has started is spared.
  const own = await holdFile(t, found.path, 'child')
  const told = await give({ type: 'kill', ...found })
  t.match(told, { type: 'command.applied', data: { reason: new RegExp(`${holder} \\(.*\\) ended`) } })
  t.notOk(runs(holder))
  t.ok(runs(bystander) && runs(own))
  t.match(await entered(), new RegExp(`"process":\\{"name":"[^"]*","pid":${holder}\\}`))
  t.match(await give({ type: 'kill', ...found }), { data: { code: 'RESPONSE_NOT_HELD' } })
})

t.test('ending processes is off unless it is turned on', async (t) => {
  const { file, give } = await answering(t, { kill: false, dry_run: false })
  t.match(await give({ type: 'kill', ...file('eicar.com', EICAR) }, person), {
    data: { code: 'RESPONSE_OFF' },
  })
})
