import { fork } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { SignatureStore } from '../../../scanner/signatures/store.js'
import { publisher, sampleBundle } from './sample-bundles.js'

const UPDATER = fileURLToPath(new URL('./updater.ts', import.meta.url))
const KILLS = Number(process.env.PORTCULLIS_TEST_KILLS ?? 6)
const { privateKey, text, keys } = publisher()
const noCheck = async (): Promise<void> => undefined
const bundleOf = (version: number): Buffer => sampleBundle(privateKey, version)

t.test('versions only go up', async (t) => {
  const store = await SignatureStore.open(t.testdir())
  t.equal(await store.installed(keys), undefined)
  t.equal((await store.install(bundleOf(2), keys, noCheck)).changed, true)
  t.equal((await store.install(bundleOf(2), keys, noCheck)).changed, false, 'the same again')
  for (const other of [bundleOf(1), sampleBundle(privateKey, 2, 3)])
    await t.rejects(store.install(other, keys, noCheck), { code: 'SIGNATURES_ROLLBACK' })
  await store.install(bundleOf(5), keys, noCheck)
  await store.install(bundleOf(6), keys, noCheck)
  await store.install(bundleOf(7), keys, noCheck)
  const installed = await store.installed(keys)
  t.equal(installed?.manifest.version, 7)
  t.equal(installed?.hashLists.length, 20)
  t.strictSame(readdirSync(store.folder).sort(), ['5', '6', '7', 'current'], 'few are kept')
})

t.test('what does not load or is not signed changes nothing', async (t) => {
  const store = await SignatureStore.open(t.testdir())
  await store.install(bundleOf(1), keys, noCheck)
  await t.rejects(
    store.install(bundleOf(2), keys, async () => {
      throw new Error('does not load')
    }),
    { message: 'does not load' },
  )
  await t.rejects(store.install(sampleBundle(publisher().privateKey, 3), keys, noCheck), {
    code: 'SIGNATURES_UNTRUSTED',
  })
  t.equal((await store.installed(keys))?.manifest.version, 1)
  await store.install(bundleOf(2), keys, noCheck)
  t.equal((await store.installed(keys))?.manifest.version, 2)
})

t.test('an installed file that was changed is not loaded', async (t) => {
  const store = await SignatureStore.open(t.testdir())
  await store.install(bundleOf(1), keys, noCheck)
  const { hashLists } = (await store.installed(keys)) ?? { hashLists: [] }
  appendFileSync(hashLists[3] ?? '', 'more')
  await t.rejects(store.installed(keys), { code: 'SIGNATURES_REFUSED', message: /list-3/ })
  await t.rejects(store.installed(publisher().keys), { code: 'SIGNATURES_UNTRUSTED' })
})

t.test('two updates at once do not mix', async (t) => {
  const store = await SignatureStore.open(t.testdir())
  await store.install(bundleOf(2), keys, async () => {
    await t.rejects(store.install(bundleOf(3), keys, noCheck), { code: 'SIGNATURES_BUSY' })
  })
  t.equal(await store.version(), 2)
})

t.test('a kill at any moment leaves one version, whole, and the next update goes on', async (t) => {
  for (let round = 0; round < KILLS; round++) {
    const base = t.testdir({ data: {} })
    const folder = join(base, 'data')
    const bundles = [1, 2, 3].map((version) => {
      const file = join(base, `${version}.pcsb`)
      writeFileSync(file, bundleOf(version))
      return file
    })
    const child = fork(UPDATER, [folder, text, ...bundles], { stdio: 'inherit' })
    const exit = once(child, 'exit')
    for (let step = 0; step <= round; step++) await Promise.race([once(child, 'message'), exit])
    child.kill('SIGKILL')
    await exit
    const store = await SignatureStore.open(folder)
    const before = await store.version()
    t.ok(before <= Math.ceil((round + 1) / 2), `version ${before} after step ${round}`)
    t.equal((await store.installed(keys))?.manifest.version, before === 0 ? undefined : before)
    // The version that is there, too: what its update left behind when it was killed at its very end goes with the next one.
    for (const file of bundles.slice(Math.max(0, before - 1)))
      await store.install(readFileSync(file), keys, noCheck)
    t.equal((await store.installed(keys))?.manifest.version, 3)
    t.strictSame(
      readdirSync(store.folder).filter((name) => !/^(?:\d+|current)$/.test(name)),
      [],
      'nothing half done is left',
    )
  }
})
