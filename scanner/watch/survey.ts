import { fork } from 'node:child_process'
import { on, once } from 'node:events'
import { ScanError } from '../errors.js'
import { unreadable, type Walked } from '../walk.js'
import type { Folder, SurveyAnswer, SurveyGoOn, SurveyOrder } from './survey-protocol.js'

export interface SurveyOptions extends Omit<SurveyOrder, 'type' | 'starts'> {
  readonly starts: readonly Buffer[]
  readonly signal: AbortSignal
  /** Told of each folder before its files come. */
  readonly onFolders: (folders: readonly Folder[]) => void
  /** Told of remembered files that are gone. */
  readonly onGone: (path: Buffer) => void
  /** Told how far it is: files so far, and where. */
  readonly onProgress: (seen: number, at: Buffer) => void
}

/**
 * Walks folders in a process of its own and hands out the files that the journal does not know as they are now. Links and
 * what is no file are passed over.
 * @throws ScanError `SCAN_SURVEY` when the process ends before it is done; nothing is thrown for `signal`
 */
export async function* survey(options: SurveyOptions): AsyncGenerator<Walked> {
  const { starts, signal, onFolders, onGone, onProgress, ...order } = options
  if (signal.aborted) return
  const child = fork(new URL('./survey-process.js', import.meta.url), {
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const say = (message: SurveyOrder | SurveyGoOn): void => {
    // A send that fails is followed by the exit event.
    child.send(message, () => undefined)
  }
  const ended = new AbortController()
  // Listens before the order goes out, so that no answer is missed.
  const answers = on(child, 'message', { signal: AbortSignal.any([signal, ended.signal]) })
  const exited = once(child, 'exit').then(
    () => ended.abort(),
    () => ended.abort(),
  )
  say({ type: 'walk', starts, ...order })
  try {
    for await (const [answer] of answers as AsyncIterable<[SurveyAnswer]>) {
      if (answer.type === 'done') return
      onFolders(answer.folders)
      for (const path of answer.gone) onGone(Buffer.from(path))
      onProgress(answer.seen, Buffer.from(answer.at))
      for (const { path, code } of answer.unreadable) yield unreadable(Buffer.from(path), code)
      for (const path of answer.files) yield { kind: 'file', path: Buffer.from(path) }
      say({ type: 'go on' })
    }
  } catch (cause) {
    if (signal.aborted) return
    throw new ScanError('SCAN_SURVEY', 'the process that walks the folders ended before it was done', {
      cause,
    })
  } finally {
    child.kill('SIGKILL')
    // One that waits for a mount which does not answer cannot be killed either, and must not hold up the daemon.
    child.unref()
    child.channel?.unref()
    void exited
  }
}
