import { messageOf } from '../runtime/errors.js'
import type { Unpack, Unpacker } from './archive/unpack-types.js'
import type { Engine } from './engines/engine.js'
import type { KnownHashes } from './engines/known-hashes.js'
import { identify } from './identify.js'
import { readRegularFile } from './open-file.js'
import { LEVELS, verdictOf, type Reason } from './verdict.js'
import type { Judged } from './worker-protocol.js'

export interface Engines {
  readonly hashes: KnownHashes
  /** Asked one after another about every content: YARA, structure heuristics, the model. */
  readonly engines: readonly Engine[]
  /** Absent with `--raw`. */
  readonly unpacker?: Unpacker
}

/** Reasons that are told of one file: an archive may hold a hundred thousand of them. */
const MOST_REASONS = 200

/** One content under judgement: the file itself or what was found in it. */
interface Subject {
  readonly name: string
  readonly content: Buffer
  /** Names from the outermost archive in; none for the file itself. */
  readonly member?: string
  readonly depth: number
}

/**
 * Judges one file; see {@link judgeContent}.
 * @param maxSize bytes; a larger file is skipped by name
 */
export function judgeFile(path: Buffer, engines: Engines, maxSize: number): Judged | Promise<Judged> {
  const read = readRegularFile(path, maxSize)
  if (read.kind === 'read')
    return judgeContent(read.content, path.toString('utf8', path.lastIndexOf(0x2f) + 1), engines)
  const engine = read.rule === 'too_large' ? 'limit' : 'file'
  const reasons: Reason[] = [{ engine, rule: read.rule, level: read.kind, detail: read.detail }]
  return { verdict: read.kind, reasons, ms: 0 }
}

/**
 * Judges a content: identify, digests against allow-lists and the hash database, then what is packed in it, then the
 * engines, on the same bytes. An engine that fails makes the verdict `error` unless another has found something: an error is never clean.
 * A promise only when it has to be unpacked, since most have not and waiting costs more than judging a small file.
 * @param name base name, for rules that ask for it
 */
export function judgeContent(content: Buffer, name: string, engines: Engines): Judged | Promise<Judged> {
  const start = performance.now()
  const reasons: Reason[] = []
  const digest = { hex: '' }
  const unpacking = addReasons({ name, content, depth: 0 }, engines, undefined, reasons, digest)
  const done = (): Judged => ({
    verdict: verdictOf(reasons),
    reasons,
    sha256: digest.hex,
    size: content.length,
    ms: Math.round((performance.now() - start) * 1000) / 1000,
  })
  return unpacking ? unpacking.then(done) : done()
}

/**
 * Adds what there is to say of one content to `reasons`.
 * @returns a promise when there is something to unpack, or an engine takes its time
 */
function addReasons(
  { name, content, member, depth }: Subject,
  engines: Engines,
  unpack: Unpack | undefined,
  reasons: Reason[],
  digest: { hex: string } = { hex: '' },
): Promise<void> | undefined {
  const add = (reason: Reason): void => {
    keep(member === undefined || reason.member !== undefined ? reason : { ...reason, member }, reasons)
  }
  const kind = identify(content)
  const known = engines.hashes.judge(content)
  digest.hex = known.sha256
  known.reasons.forEach(add)
  if (known.allowed === 'all') return undefined
  const unpacking = engines.unpacker?.opens(content, kind)
    ? unpackContent(
        { name, content, depth },
        engines,
        unpack ?? engines.unpacker.start(content.length),
        member,
        reasons,
        add,
      )
    : undefined
  const pending: Promise<void>[] = unpacking ? [unpacking] : []
  for (const engine of engines.engines) {
    if (known.allowed === 'guesses' && (engine.name === 'heuristic' || engine.name === 'onnx')) continue
    const failed = (error: unknown): void =>
      add({ engine: engine.name, rule: 'engine_failed', level: 'error', detail: messageOf(error) })
    try {
      const said = engine.judge(content, { kind, name })
      if (said instanceof Promise) pending.push(said.then((later) => later.forEach(add), failed))
      else said.forEach(add)
    } catch (error) {
      failed(error)
    }
  }
  return pending.length === 0 ? undefined : Promise.all(pending).then(() => undefined)
}

/** Keeps a reason; of those beyond the limit only one that raises the verdict. */
function keep(reason: Reason, reasons: Reason[]): void {
  const weight = (level: Reason['level']): number => LEVELS.indexOf(level)
  if (reasons.length < MOST_REASONS) reasons.push(reason)
  else if (reasons.every(({ level }) => weight(level) < weight(reason.level))) reasons.push(reason)
  else {
    const at = reasons.findIndex(({ engine, rule }) => engine === 'limit' && rule === 'max_reasons')
    const count = (reasons[at]?.count ?? 0) + 1
    const note: Reason = {
      engine: 'limit',
      rule: 'max_reasons',
      level: 'note',
      count,
      detail: `${count} more reasons than the ${MOST_REASONS} that are told`,
    }
    if (at < 0) reasons.push(note)
    else reasons[at] = note
  }
}

async function unpackContent(
  { name, content, depth }: Subject,
  engines: Engines,
  unpack: Unpack,
  member: string | undefined,
  reasons: Reason[],
  add: (reason: Reason) => void,
): Promise<void> {
  const within = (inner: string): string => (member === undefined ? inner : `${member}!${inner}`)
  try {
    const said = await unpack({ content, kind: identify(content), name, depth }, async (inner) => {
      const subject = {
        name: inner.name,
        content: inner.content,
        member: within(inner.name),
        depth: depth + 1,
      }
      await addReasons(subject, engines, unpack, reasons)
    })
    for (const reason of said)
      add(reason.member === undefined ? reason : { ...reason, member: within(reason.member) })
  } catch (error) {
    add({ engine: 'archive', rule: 'engine_failed', level: 'error', detail: messageOf(error) })
  }
}
