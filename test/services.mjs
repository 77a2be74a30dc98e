#!/usr/bin/env node
/** Finds what the tests need besides npm, and installs what is missing from Debian packages (as root). */
import { execFileSync, spawnSync } from 'node:child_process'

/** Command that must be there, and the package that has it. */
const NEEDED = { curl: 'curl', mkfifo: 'coreutils' }

const found = /** @param {string} name */ name => spawnSync('sh', ['-c', `command -v "$0"`, name]).status === 0
const missing = [...new Set(Object.entries(NEEDED).filter(([name]) => !found(name)).map(([, pack]) => pack))]

if (missing.length === 0) process.stdout.write('all services of the tests are here\n')
else if (process.getuid?.() !== 0) {
  process.stderr.write(`missing: ${missing.join(' ')}\ninstall with: sudo apt-get install ${missing.join(' ')}\n`)
  process.exitCode = 1
} else {
  const options = { stdio: 'inherit', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } }
  execFileSync('apt-get', ['update', '-q'], options)
  execFileSync('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...missing], options)
}
