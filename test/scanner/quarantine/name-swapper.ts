import { renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Puts now a bad file, now a link to somebody's secret, now another file under one name, as fast as it can. */
const [, , folder = '', secret = ''] = process.argv
const name = join(folder, 'file')
const next = join(folder, 'next')
process.send?.('ready')
for (let turn = 0; process.connected; turn++) {
  rmSync(next, { force: true })
  if (turn % 3 === 1) symlinkSync(secret, next)
  else writeFileSync(next, turn % 3 === 0 ? 'bad' : 'new')
  renameSync(next, name)
  if (turn % 100 === 0) await new Promise(setImmediate)
}
