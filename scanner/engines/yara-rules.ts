import { readFileSync } from 'node:fs'
import { compile, validate, type YaraX } from '@litko/yara-x'
import { ScanError } from '../errors.js'
import type { Reason } from '../verdict.js'
import type { Engine } from './engine.js'

/** YARA rules compiled once and used for many files (YARA-X; rule language: virustotal.github.io/yara-x). */
export class YaraRules implements Engine {
  readonly name = 'yara'
  readonly #compiled: YaraX | undefined

  /**
   * Compiles all files as one namespace.
   * @throws ScanError `SCAN_YARA_RULES` naming file and line
   */
  constructor(files: readonly string[]) {
    if (files.length === 0) {
      this.#compiled = undefined
      return
    }
    const starts: { file: string; line: number }[] = []
    let source = ''
    let line = 1
    for (const file of files) {
      let text: string
      try {
        text = readFileSync(file, 'utf8')
      } catch (cause) {
        throw new ScanError('SCAN_YARA_RULES', `cannot read the YARA rules ${file}`, { cause })
      }
      starts.push({ file, line })
      source += text + '\n'
      line += text.split('\n').length
    }
    const where = (at: number): string => {
      const start = starts.findLast((candidate) => candidate.line <= at)
      return start ? `${start.file}:${at - start.line + 1}` : `line ${at}`
    }
    const errors = validate(source).errors
    if (errors.length > 0) {
      const message = errors
        .map((error) => {
          const [first = error.message] = error.message.split('\n')
          const at = /line:(\d{1,9}):/.exec(error.message)
          return at ? `${where(Number(at[1]))}: ${first}` : first
        })
        .join('; ')
      throw new ScanError('SCAN_YARA_RULES', message)
    }
    try {
      const compiled: YaraX = compile(source)
      // One match a pattern is enough for a verdict, and keeps hostile files from filling memory with matches.
      compiled.setMaxMatchesPerPattern(1)
      this.#compiled = compiled
    } catch (cause) {
      throw new ScanError('SCAN_YARA_RULES', `cannot compile the YARA rules ${files.join(', ')}`, { cause })
    }
  }

  judge(content: Buffer): Reason[] {
    if (!this.#compiled) return []
    return this.#compiled.scan(content).map((match) => {
      const meta = match.meta as { readonly score?: unknown; readonly verdict?: unknown }
      const score =
        typeof meta.score === 'number' && meta.score >= 0 && meta.score <= 100 ? meta.score : undefined
      // Rules tagged or meta-marked `suspicious` raise no more than a suspicion.
      const isSuspicion = match.tags.includes('suspicious') || meta.verdict === 'suspicious'
      return {
        engine: 'yara',
        rule: match.ruleIdentifier,
        level: isSuspicion ? 'suspicious' : 'malicious',
        ...(score === undefined ? {} : { score }),
      }
    })
  }
}
