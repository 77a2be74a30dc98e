import { readFileSync } from 'node:fs'
import { compile, type YaraX } from '@litko/yara-x'
import { modelSubject } from '../../engines/onnx-model.js'
import { identify } from '../../identify.js'
import type { PhpModel } from '../php-model.js'
import type { Sample, Source } from './corpus.js'
import { PADDINGS, readSamples } from './padding.js'

/** What each judge says of one file of a split. */
export interface Judgement {
  readonly sample: Sample
  /** Probability that the model gives it. */
  readonly probability: number
  /** By rule set, in the order given: whether a rule hits. */
  readonly hits: readonly boolean[]
}

export interface RuleSet {
  readonly name: string
  hits(content: Buffer): boolean
}

/** Variables that public rule sets expect a scanner to define. */
const EXTERNALS = { filename: '', filepath: '', extension: '', filetype: '', owner: '' }

/** Rules of any number of files as one set. Here, a hit is a hit: what it raises a verdict to does not count. */
export function ruleSetOf(name: string, files: readonly string[]): RuleSet {
  const compiled: YaraX = compile(files.map((file) => readFileSync(file, 'utf8')).join('\n'), {
    defineVariables: EXTERNALS,
  })
  compiled.setMaxMatchesPerPattern(1)
  return { name, hits: (content) => compiled.scan(content).length > 0 }
}

/** Reads every file of a split again and asks the model, as the scanner serves it, and the rule sets. */
export async function judgeAll(
  samples: readonly Sample[],
  sources: readonly Source[],
  repositories: string,
  model: PhpModel,
  ruleSets: readonly RuleSet[],
): Promise<Judgement[]> {
  const judgements: Judgement[] = []
  for await (const { sample, content } of readSamples(samples, sources, repositories)) {
    const examined = modelSubject(content, identify(content))
    if (examined === undefined) continue
    judgements.push({
      sample,
      probability: await model.probability(examined),
      hits: ruleSets.map((rules) => rules.hits(content)),
    })
  }
  return judgements
}

/** How many of the web shells the model still finds with each padding. */
export async function judgePadded(
  shells: readonly Sample[],
  fillers: readonly Buffer[],
  sources: readonly Source[],
  repositories: string,
  model: PhpModel,
): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>()
  let turn = 0
  for await (const { content } of readSamples(shells, sources, repositories)) {
    const filler = fillers[turn++ % fillers.length] ?? Buffer.alloc(0)
    for (const [name, pad] of Object.entries(PADDINGS)) {
      const padded = pad(content, filler)
      const examined = modelSubject(padded, identify(padded))
      const isFound =
        examined !== undefined && (await model.probability(examined)) >= model.manifest.threshold
      found.set(name, (found.get(name) ?? 0) + (isFound ? 1 : 0))
    }
  }
  return found
}
