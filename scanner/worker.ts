import { codeOf, messageOf } from '../runtime/errors.js'
import { HashList } from './engines/hash-list.js'
import { YaraRules } from './engines/yara-rules.js'
import { judgeFile, type Engines } from './judge.js'
import type { FromWorker, ToWorker } from './worker-protocol.js'

/**
 * The process that judges files. A process, not a thread: a native scan that does not end can only be stopped by killing
 * it, and what a hostile file does to an engine must not reach the daemon.
 */

const send = (message: FromWorker): void => {
  process.send?.(message)
}

let engines: Engines | undefined
let maxFileSize = 0
/** One file after another, in the order in which they came: the pool's deadline is always the first one's. */
let last: Promise<void> = Promise.resolve()

async function judge(id: number, path: Buffer, by: Engines): Promise<void> {
  const result = judgeFile(path, by, maxFileSize)
  send({ type: 'result', id, result: result instanceof Promise ? await result : result })
}

process.on('message', (message: ToWorker) => {
  if (message.type === 'load') {
    try {
      const hashes = new HashList()
      for (const file of message.settings.hashLists) hashes.load(file)
      engines = { hashes, engines: [new YaraRules(message.settings.yaraFiles)] }
      maxFileSize = message.settings.maxFileSize
      send({ type: 'ready' })
    } catch (error) {
      send({ type: 'failed', code: codeOf(error) ?? 'SCAN_WORKER', message: messageOf(error) })
    }
  } else if (engines) {
    const by = engines
    last = last.then(() => judge(message.id, Buffer.from(message.path), by))
  }
})

// The pool stops its workers itself; a terminal's Ctrl-C must not end them in the middle of a file.
process.on('SIGINT', () => undefined)
process.on('disconnect', () => process.exit(0))
