import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import t from 'tap'

import { buildProgram } from '../../cli/program.js'
import { createContext } from '../../cli/run.js'
import { packageRoot } from '../../runtime/package-root.js'
import { runInProcess } from './fixtures/in-process.js'

void t.test('tells its version', async (t) => {
  const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
    version: string
  }
  t.strictSame(await runInProcess(['--version']), { code: 0, stdout: `${version}\n`, stderr: '' })
})

void t.test('every command has help that exits 0, down to the last subcommand', async (t) => {
  const names: string[] = []
  const visit = (command: Command, path: readonly string[]) => {
    names.push(path.join(' '))
    for (const below of command.commands) visit(below, [...path, below.name()])
  }
  visit(await buildProgram(createContext(process)), [])
  for (const name of [
    'up',
    'gateway',
    'scanner',
    'ledger',
    'ledger append',
    'ledger proof',
    'ledger checkpoint',
    'ledger receipt',
    'ledger policy',
    'incidents',
    'incidents list',
    'playbooks check',
    'playbooks run',
    'approvals approve',
    'approvals deny',
    'answers list',
    'answers revoke',
    'scan',
    'quarantine list',
    'quarantine restore',
    'quarantine delete',
    'quarantine purge',
    'response kill',
    'verify',
    'explain',
    'config check',
    'config print',
    'config schema',
  ])
    t.ok(names.includes(name), name)
  for (const name of names) {
    const { code, stdout, stderr } = await runInProcess([...name.split(' ').filter(Boolean), '--help'])
    t.equal(code, 0, name)
    t.equal(stderr, '', name)
    t.ok(stdout.startsWith(`Usage: portcullis ${name}`), name)
    t.match(stdout, /^[A-Za-z]/m, name)
  }
})

void t.test('a mistake in the command line exits 2 and says what it is, without a stack', async (t) => {
  const cases: [args: string[], says: RegExp][] = [
    [[], /Usage: portcullis/],
    [['nope'], /unknown command 'nope'/],
    [['up', '--nope'], /unknown option '--nope'/],
    [['explain'], /missing required argument 'request-id'/],
    [['explain', 'x\u001b[31m'], /^USAGE: x\\x1b\[31m is not a request id\n$/],
    [['up', '--phases', 'nope'], /^USAGE: --phases: unknown phase "nope"/],
    [['up', '--phases', 'crowdsec'], /not available in this version/],
    [['up', '--threads', 'x', '--mode', 'y'], /^CONFIG_INVALID:\n--threads: .*"x"\n--mode: .*"y"\n$/],
  ]
  for (const [args, says] of cases) {
    const { code, stdout, stderr } = await runInProcess(args)
    t.equal(code, 2, args.join(' '))
    t.equal(stdout, '', args.join(' '))
    t.match(stderr, says)
    t.notMatch(stderr, /\n {4}at /)
  }
})

void t.test('a failure exits 1 with its code and without a stack', async (t) => {
  const data = t.testdir({})
  const id = '01890a5d-ac96-774b-bcce-b302099a8057'
  t.match(await runInProcess(['explain', id, '--data', data]), {
    code: 1,
    stdout: '',
    stderr: /^VERDICT_NOT_FOUND: .* holds no verdict of request 01890a5d.*\n$/,
  })
  t.match(await runInProcess(['up', '--config', join(data, 'none.yaml')]), {
    code: 1,
    stdout: '',
    stderr: /^CONFIG_UNREADABLE: .*none\.yaml.*\n$/,
  })
})
