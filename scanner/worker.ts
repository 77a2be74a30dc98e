import { codeOf, messageOf } from '../runtime/errors.js'
import { ArchiveUnpacker } from './archive/unpacker.js'
import { KnownHashes } from './engines/known-hashes.js'
import { OnnxModel } from './engines/onnx-model.js'
import { StructureHeuristics } from './engines/structure-heuristics.js'
import { YaraRules } from './engines/yara-rules.js'
import { judgeContent, judgeFile, type Engines } from './judge.js'
import { ProgressMark } from './progress-mark.js'
import {
  PROGRESS_DESCRIPTOR,
  type FromWorker,
  type Judged,
  type ToWorker,
  type Work,
  type WorkerSettings,
} from './worker-protocol.js'

/**
 * The process that judges files. A process, not a thread: a native scan that does not end can only be stopped by killing
 * it, and what a hostile file does to an engine must not reach the daemon.
 */

/** Answers that wait for each other at most, and for how many milliseconds: the pool's deadline runs from the last ones. */
const GROUP = 32
const GROUP_MS = 10

const send = (message: FromWorker): void => {
  process.send?.(message)
}

const mark = ProgressMark.inherited(PROGRESS_DESCRIPTOR)
let engines: Engines | undefined
let maxFileSize = 0
const waiting: Work[] = []
let isWorking = false

async function load(settings: WorkerSettings): Promise<void> {
  try {
    const hashes = new KnownHashes(settings.hashDatabases, settings.blocked)
    const yara = await YaraRules.load(settings.yaraRules, settings.yaraEngine, settings.policy)
    const models = await Promise.all(settings.models.map((folder) => OnnxModel.load(folder)))
    const unpacker = settings.raw ? {} : { unpacker: new ArchiveUnpacker(settings.archives) }
    engines = { hashes, engines: [yara, new StructureHeuristics(settings.policy), ...models], ...unpacker }
    maxFileSize = settings.maxFileSize
    send({ type: 'ready', loaded: { yara: yara.loaded } })
  } catch (error) {
    send({ type: 'failed', code: codeOf(error) ?? 'SCAN_WORKER', message: messageOf(error) })
  }
}

const judge = (work: Work, by: Engines): Judged | Promise<Judged> =>
  'path' in work
    ? judgeFile(Buffer.from(work.path), by, maxFileSize)
    : judgeContent(Buffer.from(work.content), work.name, by)

let begun = 0

/** One piece of work after another, in the order in which they came. */
async function work(by: Engines): Promise<void> {
  if (isWorking) return
  isWorking = true
  let results: Judged[] = []
  let sent = performance.now()
  const answer = (): void => {
    if (results.length > 0) send({ type: 'judged', results })
    results = []
    sent = performance.now()
  }
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    mark.write(++begun)
    const result = judge(next, by)
    // What has to be unpacked takes long and has the whole time for itself.
    if (result instanceof Promise) answer()
    results.push(result instanceof Promise ? await result : result)
    if (results.length >= GROUP || performance.now() - sent >= GROUP_MS) answer()
  }
  answer()
  isWorking = false
}

process.on('message', (message: ToWorker) => {
  if (message.type === 'load') void load(message.settings)
  else if (message.type === 'block') {
    if (engines) engines.hashes.blocked = message.blocked
  } else if (engines) {
    waiting.push(...message.work)
    void work(engines)
  }
})

// The pool stops its workers itself; a terminal's Ctrl-C must not end them in the middle of a file.
process.on('SIGINT', () => undefined)
process.on('disconnect', () => process.exit(0))
