import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t from 'tap'
import type { ScanVerdictEvent } from '../../runtime/events.js'
import { openOutbox } from '../../runtime/lmdb-outbox.js'
import { packageRoot } from '../../runtime/package-root.js'
import { openTopic } from '../../runtime/topics.js'
import { scannerConfig } from '../../scanner/config.js'
import { Journal } from '../../scanner/journal.js'
import { poolOptions } from '../../scanner/pool-options.js'
import { ruleSetVersion } from '../../scanner/rule-set-version.js'
import { EICAR } from './sample-files.js'

const settle = async (journal: Journal, path: Buffer): Promise<void> => {
  const state = await journal.look(path)
  if (state === 'known') throw new Error('known already')
  journal.settle(path, state)
  await journal.flush()
}

t.test('a file is known until it, or the rules, are others; also to the next start', async (t) => {
  const folder = t.testdir({ file: 'x' })
  const path = join(folder, 'file')
  const bytes = Buffer.from(path)
  const data = join(folder, 'data')
  let journal = Journal.open(data, 'v1')
  await settle(journal, bytes)
  t.equal(await journal.look(bytes), 'known')
  await journal.close()

  journal = Journal.open(data, 'v1')
  t.equal(await journal.look(bytes), 'known')
  journal.setVersion('v2')
  await settle(journal, bytes)
  const changes: [string, () => void][] = [
    ['written', () => appendFileSync(path, 'y')],
    [
      'written with the times put back',
      () => {
        writeFileSync(path, 'yx')
        utimesSync(path, 1, 1)
      },
    ],
    [
      'replaced',
      () => {
        writeFileSync(`${path}.new`, 'yx')
        utimesSync(`${path}.new`, 1, 1)
        renameSync(`${path}.new`, path)
      },
    ],
  ]
  for (const [how, change] of changes) {
    t.equal(await journal.look(bytes), 'known')
    change()
    t.not(await journal.look(bytes), 'known', how)
    await settle(journal, bytes)
  }
  rmSync(path)
  t.strictSame(await journal.look(bytes), { mark: undefined, isGone: true })
  const deep = join(folder, ...Array.from({ length: 12 }, () => 'd'.repeat(200)))
  mkdirSync(deep, { recursive: true })
  writeFileSync(join(deep, 'file'), 'x')
  await settle(journal, Buffer.from(join(deep, 'file')))
  t.equal(await journal.look(Buffer.from(join(deep, 'file'))), 'known', 'however long its path')
  await journal.close()
})

t.test('rules that are written anew are another version', async (t) => {
  const folder = t.testdir({ rules: { 'a.yar': 'rule A { condition: false }' } })
  const version = () =>
    ruleSetVersion(poolOptions(scannerConfig.parse({ yara_rules: [join(folder, 'rules')] })), '1')
  const first = version()
  t.equal(version(), first)
  writeFileSync(join(folder, 'rules', 'b.yar'), 'rule B { condition: false }')
  const second = version()
  t.not(second, first)
  writeFileSync(join(folder, 'rules', 'a.yar'), 'rule A { condition: true }')
  t.not(version(), second)
})

t.test('SIGKILL in the middle of a pass loses no finding', async (t) => {
  const base = t.testdir({ tree: {} })
  const tree = join(base, 'tree')
  const all = Array.from({ length: 400 }, (_, i) => join(tree, `file-${i}`))
  for (const path of all) writeFileSync(path, EICAR)
  const data = join(base, 'data')
  mkdirSync(data, { mode: 0o700 })
  const bin = join(packageRoot, 'bin', 'portcullis')
  const start = () => {
    const child = spawn('env', ['-u', 'NODE_OPTIONS', bin, 'scanner', '--data', data, '--watch', tree], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    return { child, ended: once(child, 'exit') }
  }
  for (let life = 0; life < 2; life++) {
    const { child, ended } = start()
    let found = 0
    for await (const line of createInterface({ input: child.stderr })) {
      if (line.includes('file found') && ++found === 40) child.kill('SIGKILL')
    }
    await ended
    t.ok(found >= 40, 'it was in the middle')
  }
  const { child, ended } = start()
  child.stderr.resume()
  const outbox = openOutbox(join(data, 'outbox'))
  const seen = new Set<string>()
  await new Promise<void>((resolve) => {
    openTopic(outbox, 'events').consume('incidents', async (items) => {
      for (const { bytes } of items)
        seen.add((JSON.parse(Buffer.from(bytes).toString('utf8')) as ScanVerdictEvent).data.path)
      if (seen.size === all.length) resolve()
    })
  })
  t.strictSame([...seen].sort(), all.sort())
  child.kill('SIGTERM')
  await ended
  await outbox.close()
})
