import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import { z } from 'zod'
import { messageOf } from '../../runtime/errors.js'
import { ScanError } from '../errors.js'

/** `pack.json` of a folder of rules. */
const packSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/),
  version: z.string().min(1).max(64),
  source: z.string().min(1).max(500).describe('Where the rules come from.'),
  license: z.string().min(1).max(100),
  severity: z
    .enum(['malicious', 'suspicious', 'note'])
    .default('malicious')
    .describe('What a rule of the pack raises the verdict to when it does not say so itself.'),
})

export type Pack = z.output<typeof packSchema>

export interface RuleFile {
  readonly file: string
  readonly text: string
  readonly pack?: Pack
}

/** Something wrong with a rule file; the rest of the rules is loaded without it. */
export interface RuleProblem {
  readonly file: string
  /** From 1. */
  readonly line?: number
  /** The rule that was left out; absent when it was the whole file. */
  readonly rule?: string
  readonly message: string
}

/**
 * Reads rule files. A folder stands for its `*.yar` and `*.yara`, below it too; with a `pack.json` in it they are a pack.
 * @throws ScanError `SCAN_YARA_RULES` for a path that does not exist or a bad `pack.json`
 */
export function readRuleFiles(paths: readonly string[], problems: RuleProblem[]): RuleFile[] {
  const files: RuleFile[] = []
  for (const path of paths) {
    const isFolder = statOf(path).isDirectory()
    const pack = isFolder ? readPack(path) : undefined
    for (const file of isFolder ? ruleFilesBelow(path) : [path]) {
      const text = readText(file, problems)
      if (text !== undefined) files.push({ file, text, ...(pack && { pack }) })
    }
  }
  return files
}

function statOf(path: string) {
  try {
    return statSync(path)
  } catch (cause) {
    throw new ScanError('SCAN_YARA_RULES', `cannot read the YARA rules ${path}`, { cause })
  }
}

const ruleFilesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && ['.yar', '.yara'].includes(extname(entry.name)))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()

function readPack(folder: string): Pack | undefined {
  const file = join(folder, 'pack.json')
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
  try {
    return packSchema.parse(JSON.parse(text))
  } catch (cause) {
    const why =
      cause instanceof z.ZodError
        ? cause.issues
            .map((issue) => `${issue.path.join('.') || basename(file)}: ${issue.message}`)
            .join('; ')
        : messageOf(cause)
    throw new ScanError('SCAN_YARA_RULES', `${file}: ${why}`, { cause })
  }
}

function readText(file: string, problems: RuleProblem[]): string | undefined {
  let bytes: Buffer
  try {
    bytes = readFileSync(file)
  } catch (error) {
    problems.push({ file, message: `cannot be read: ${messageOf(error)}` })
    return undefined
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    problems.push({ file, message: 'is not UTF-8' })
    return undefined
  }
}
