import { mkdirSync, writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { Vault } from '../../../scanner/quarantine/vault.js'
import { FILE_BYTES, FILES } from './stored-files.js'

/** Stores and restores files without end, and says each step, so that a test can kill it in the middle. */
const [, , data = '', tree = ''] = process.argv
mkdirSync(data, { recursive: true })
for (const name of FILES) writeFileSync(join(tree, name), Buffer.alloc(FILE_BYTES, name))
const vault = await Vault.open(data, Date.now)
while (process.connected)
  for (const name of FILES) {
    const sha256 = createHash('sha256').update(Buffer.alloc(FILE_BYTES, name)).digest('hex')
    process.send?.('store')
    const item = await vault.store(Buffer.from(join(tree, name)), { sha256, size: FILE_BYTES }, [])
    process.send?.('restore')
    await vault.restore(item.id)
  }
