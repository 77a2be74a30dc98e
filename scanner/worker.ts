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

process.on('message', (message: ToWorker) => {
  if (message.type === 'load') {
    try {
      const hashes = new HashList()
      for (const file of message.settings.hashLists) hashes.load(file)
      engines = { hashes, yara: new YaraRules(message.settings.yaraFiles) }
      maxFileSize = message.settings.maxFileSize
      send({ type: 'ready' })
    } catch (error) {
      send({ type: 'failed', code: codeOf(error) ?? 'SCAN_WORKER', message: messageOf(error) })
    }
  } else if (engines) {
    send({
      type: 'result',
      id: message.id,
      result: judgeFile(Buffer.from(message.path), engines, maxFileSize),
    })
  }
})

// The pool stops its workers itself; a terminal's Ctrl-C must not end them in the middle of a file.
process.on('SIGINT', () => undefined)
process.on('disconnect', () => process.exit(0))
