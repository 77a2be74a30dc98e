import { readFileSync } from 'node:fs'
import { parsePublicKey } from '../../../scanner/signatures/bundle.js'
import { SignatureStore } from '../../../scanner/signatures/store.js'

/** Installs one bundle after another and says each step, so that a test can kill it in the middle. */
const [, , folder = '', key = '', ...bundles] = process.argv
const store = await SignatureStore.open(folder)
for (const bundle of bundles) {
  process.send?.('begin')
  await store.install(readFileSync(bundle), [parsePublicKey(key)], async () => {
    process.send?.('check')
  })
}
