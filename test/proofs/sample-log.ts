import { Buffer } from 'node:buffer'
import {
  batchPath,
  CompactRange,
  consistencyProof,
  cosigner,
  encodeVkey,
  formatAction,
  formatReceipt,
  inclusionProof,
  leafHash,
  logOrigin,
  nodeReaderOf,
  noteSigner,
  parseNote,
  sealBatch,
  signAction,
  signCheckpoint,
  appendSignatures,
} from '../../proofs/index.js'
import type { ActionPayload, NoteSigner, Receipt } from '../../proofs/index.js'

/** A seed that every run has, so that frozen vectors stay what they are. */
export function seedOf(byte: number): Uint8Array {
  return new Uint8Array(32).fill(byte)
}

const logSeed = seedOf(1)
export const origin = logOrigin('log.example', noteSigner('x', logSeed).publicKey)
export const logKey = noteSigner(origin, logSeed)
export const agentKey = noteSigner('gateway', seedOf(2))
export const approverKey = noteSigner('approver', seedOf(3))
export const strangerKey = noteSigner('gateway', seedOf(4))
export const rootKey = noteSigner('root', seedOf(9))
export const WITNESS_TIME = 1_700_000_000
export const witnessKeys = [5, 6].map((byte, i) =>
  cosigner(noteSigner(`witness${i + 1}.example`, seedOf(byte)), () => WITNESS_TIME * 1000),
)

export const session = 'gateway/run-1'

export function uuidOf(n: number): string {
  return `0192f0c1-7c1a-7abc-8abc-${n.toString(16).padStart(12, '0')}`
}

/** A small action of the gateway. */
export function actionOf(seq: number, over: Partial<ActionPayload> = {}): ActionPayload {
  return {
    v: 1,
    id: uuidOf(seq),
    agent: 'gateway',
    session,
    seq,
    ts: 1_700_000_000_000 + seq,
    kind: 'tool.call',
    target: { server: 'files', tool: 'read' },
    in: { alg: 'sha256', hash: 'ab'.repeat(32) },
    ...over,
  } as ActionPayload
}

/** A log in memory, for making real proofs. */
export class SampleLog {
  readonly entries: Uint8Array[] = []
  readonly #range = new CompactRange()

  add(entry: Uint8Array): number {
    this.#range.append(leafHash(entry))
    return this.entries.push(entry) - 1
  }

  get root(): Uint8Array {
    return this.#range.root()
  }

  proof(index: number): Uint8Array[] {
    return inclusionProof(index, this.entries.length, nodeReaderOf(this.entries.map(leafHash)))
  }

  consistency(size: number): Uint8Array[] {
    return consistencyProof(size, this.entries.length, nodeReaderOf(this.entries.map(leafHash)))
  }

  checkpoint(witnesses: readonly NoteSigner[] = [], signer: NoteSigner = logKey): Uint8Array {
    const note = signCheckpoint({ origin: signer.name, size: this.entries.length, root: this.root }, [signer])
    const text = parseNote(note).textBytes
    return appendSignatures(
      note,
      witnesses.map((w) => ({ name: w.name, keyId: w.keyId, signature: w.sign(text) })),
    )
  }
}

/** Eleven entries: three signed actions, then a sealed batch of five with its seal at 8, then two more. */
export function sampleLog(): SampleLog {
  const log = new SampleLog()
  for (let seq = 0; seq < 3; seq++) log.add(signAction(actionOf(seq), [agentKey]))
  const batch = [3, 4, 5, 6, 7].map((seq) => formatAction(actionOf(seq)))
  for (const entry of batch) log.add(entry)
  log.add(sealBatch({ agent: 'gateway', session, first: 3, entries: batch }, agentKey))
  log.add(signAction(actionOf(8), [approverKey, agentKey]))
  log.add(signAction(actionOf(9), [agentKey]))
  return log
}

const BATCH = { start: 3, count: 5, seal: 8 }

export function inlineReceipt(log: SampleLog, index: number, checkpoint = log.checkpoint()): Receipt {
  return { entry: Buffer.from(log.entries[index]!), index, proof: log.proof(index), checkpoint }
}

export function sealedReceipt(log: SampleLog, index: number, checkpoint = log.checkpoint()): Receipt {
  const batch = log.entries.slice(BATCH.start, BATCH.start + BATCH.count)
  const position = index - BATCH.start
  return {
    ...inlineReceipt(log, index, checkpoint),
    seal: {
      entry: log.entries[BATCH.seal]!,
      index: BATCH.seal,
      proof: log.proof(BATCH.seal),
      position,
      path: batchPath(batch, position),
    },
  }
}

/** A policy that trusts the sample log, its agents and, with a quorum, its witnesses. */
export function policyText(quorum: 'none' | 'any' | 'all' = 'none', extra: readonly string[] = []): string {
  const witnesses = witnessKeys.map((w, i) => `witness w${i + 1} ${encodeVkey(w)}`)
  return [
    `log ${encodeVkey(logKey)}`,
    ...(quorum === 'none' ? [] : [...witnesses, `group all-witnesses ${quorum} w1 w2`]),
    quorum === 'none' ? 'quorum none' : 'quorum all-witnesses',
    `agent ${encodeVkey(agentKey)}`,
    `agent ${encodeVkey(approverKey)}`,
    ...extra,
    '',
  ].join('\n')
}

export { formatReceipt }
