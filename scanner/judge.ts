import { createHash } from 'node:crypto'
import type { HashList } from './engines/hash-list.js'
import type { YaraRules } from './engines/yara-rules.js'
import { readRegularFile } from './open-file.js'
import { describePath, type FileResult, type FileVerdict, type Reason } from './verdict.js'

export interface Engines {
  readonly hashes: HashList
  readonly yara: YaraRules
}

/**
 * Judges one file: SHA-256 against the hash lists, then YARA, on the same bytes. An engine that fails makes the verdict
 * `error` unless another has found something: an error is never clean.
 * @param maxSize bytes
 */
export function judgeFile(path: Buffer, engines: Engines, maxSize: number): FileResult {
  const start = performance.now()
  const finish = (
    verdict: FileVerdict,
    reasons: readonly Reason[],
    more: Partial<FileResult> = {},
  ): FileResult => ({
    ...describePath(path),
    verdict,
    reasons,
    ...more,
    ms: Math.round((performance.now() - start) * 1000) / 1000,
  })
  const read = readRegularFile(path, maxSize)
  if (read.kind !== 'read')
    return finish(read.kind, [
      { engine: read.rule === 'too_large' ? 'limit' : 'file', rule: read.rule, detail: read.detail },
    ])
  const sha256 = createHash('sha256').update(read.content).digest('hex')
  const reasons: Reason[] = []
  let verdict: FileVerdict = 'clean'
  const listed = engines.hashes.find(sha256)
  if (listed !== undefined) {
    verdict = 'malicious'
    reasons.push({ engine: 'hash', rule: listed })
  }
  try {
    for (const hit of engines.yara.scan(read.content)) {
      reasons.push({
        engine: 'yara',
        rule: hit.rule,
        ...(hit.score === undefined ? {} : { score: hit.score }),
      })
      if (!hit.suspicious) verdict = 'malicious'
      else if (verdict === 'clean') verdict = 'suspicious'
    }
  } catch (error) {
    reasons.push({
      engine: 'yara',
      rule: 'engine_failed',
      detail: error instanceof Error ? error.message : String(error),
    })
    if (verdict === 'clean') verdict = 'error'
  }
  return finish(verdict, reasons, { sha256, size: read.content.length })
}
