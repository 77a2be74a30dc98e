import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { deserialize, serialize } from 'node:v8'
import { format, resolveConfig } from 'prettier'
import { rulesFolder } from '../../../runtime/package-root.js'
import { FEATURE_COUNT, FEATURES_VERSION } from '../php-columns.js'
import { PhpModel, type ModelManifest } from '../php-model.js'
import { blobsDigest, collectSource, readSources, type Sample, type Source } from './corpus.js'
import { judgeAll, judgePadded, ruleSetOf, type RuleSet } from './evaluation.js'
import { trainBoostedTrees, type BoostingOptions } from './gradient-boosting.js'
import { thresholdFor } from './metrics.js'
import { cardTables } from './model-card.js'
import { writeOnnx } from './onnx-writer.js'
import { fillersFrom, paddedRows } from './padding.js'
import { separate } from './splits.js'

/**
 * Makes and measures the web-shell model; see the model card. It is no part of the product and not in its build.
 *
 *   collect   fetches the repositories, checks what their commits hold, extracts the features
 *   train     trains on the train split, freezes the threshold on the validation split, writes model and manifest
 *   evaluate  asks the model as the scanner serves it, and YARA rules, about the other splits; writes the card's tables
 */

const USAGE = `usage: npm run model -- collect|train|evaluate --work DIR [--rules NAME=FILE-OR-FOLDER]...
  --work DIR   repositories are cloned to DIR/repositories, features kept in DIR/samples.v8
  --rules      with evaluate: one more set of YARA rules to measure beside our own
  --pin        with collect: write what the commits hold to sources.json instead of checking it`

const SOURCES = join(import.meta.dirname, 'sources.json')
const FOLDER = join(rulesFolder, 'models', 'php-web-shell')
const CARD = join(FOLDER, 'README.md')

/** Share of the benign files of the validation split that may reach the threshold. */
const FALSE_POSITIVE_RATE = 0.001

/** Harmless files that web shells are hidden among, for training and for measuring. */
const FILLERS = 500

const OPTIONS: BoostingOptions = {
  features: FEATURE_COUNT,
  trees: 150,
  leaves: 15,
  learningRate: 0.15,
  lambda: 10,
  minLeafRows: 8,
  negativeShare: 0.25,
  featureShare: 0.4,
  positiveWeight: 1,
  seed: 20261121,
}

const say = (line: string): void => {
  process.stderr.write(`${line}\n`)
}

async function collect(work: string, pin: boolean): Promise<void> {
  const sources = readSources(SOURCES)
  const samples: Sample[] = []
  const pinned: Source[] = []
  mkdirSync(join(work, 'repositories'), { recursive: true })
  for (const [number, source] of sources.entries()) {
    const files = await collectSource(source, number, join(work, 'repositories'))
    const found = { blobs: files.length, blobs_sha256: blobsDigest(files.map((file) => file.blob)) }
    if (!pin && (found.blobs !== source.blobs || found.blobs_sha256 !== source.blobs_sha256))
      throw new Error(
        `${source.repository}: the commit yields ${found.blobs} other files than ${SOURCES} says`,
      )
    pinned.push({ ...source, ...found })
    samples.push(...files)
    say(`${source.split} ${source.label} ${source.repository}: ${files.length} files`)
  }
  if (pin) writeFileSync(SOURCES, await prettied(JSON.stringify({ sources: pinned }), SOURCES))
  writeFileSync(join(work, 'samples.v8'), serialize(samples))
}

const samplesOf = (work: string): Sample[] => deserialize(readFileSync(join(work, 'samples.v8'))) as Sample[]

async function train(work: string): Promise<void> {
  const { kept } = separate(samplesOf(work))
  const sources = readSources(SOURCES)
  const repositories = join(work, 'repositories')
  const fillers = await fillersFrom(kept.train, sources, repositories, FILLERS, OPTIONS.seed)
  const padded = await paddedRows(kept.train, sources, repositories, fillers, OPTIONS.seed)
  say(`${kept.train.length} files and ${padded.length} padded ones`)
  const trees = trainBoostedTrees([...kept.train, ...padded], OPTIONS, (tree) => {
    if ((tree + 1) % 25 === 0) say(`${tree + 1} of ${OPTIONS.trees} trees`)
  })
  const bytes = writeOnnx(trees, FEATURE_COUNT, 'php-web-shell')
  mkdirSync(FOLDER, { recursive: true })
  writeFileSync(join(FOLDER, 'model.onnx'), bytes)
  // The threshold is set on what the runtime answers, so the model is loaded once with a threshold of no meaning.
  await writeManifest(bytes, 0.5)
  const model = await PhpModel.load(FOLDER)
  const benign = kept.validation.filter((sample) => sample.label === 0)
  const judged = await judgeAll(benign, sources, repositories, model, [])
  const threshold = thresholdFor(
    judged.map(({ probability }) => probability),
    FALSE_POSITIVE_RATE,
  )
  await writeManifest(bytes, threshold)
  say(`${bytes.length} bytes, threshold ${threshold}`)
}

async function writeManifest(model: Buffer, threshold: number): Promise<void> {
  const manifest: ModelManifest = {
    name: 'php-web-shell',
    version: '1',
    file: 'model.onnx',
    sha256: createHash('sha256').update(model).digest('hex'),
    features_version: FEATURES_VERSION,
    threshold,
  }
  const path = join(FOLDER, 'model.json')
  writeFileSync(path, await prettied(JSON.stringify(manifest), path))
}

async function evaluate(work: string, rules: readonly string[]): Promise<void> {
  const sources = readSources(SOURCES)
  const { kept, dropped } = separate(samplesOf(work))
  const model = await PhpModel.load(FOLDER)
  const ruleSets: RuleSet[] = [
    ruleSetOf('our YARA rules', rulesIn(join(rulesFolder, 'yara'))),
    ...rules.map((given) => {
      const [name = '', path = ''] = given.split('=', 2)
      return ruleSetOf(name, path.endsWith('.yar') ? [path] : rulesIn(path))
    }),
  ]
  const judge = (samples: readonly Sample[]) =>
    judgeAll(samples, sources, join(work, 'repositories'), model, ruleSets)
  const tables = cardTables({
    sources,
    kept,
    dropped,
    threshold: model.manifest.threshold,
    ruleSets: ruleSets.map(({ name }) => name),
    test: await judge(kept.test),
    field: await judge(kept.field),
    padded: await judgePadded(
      kept.test.filter((sample) => sample.label === 1),
      await fillersFrom(kept.test, sources, join(work, 'repositories'), FILLERS, OPTIONS.seed),
      sources,
      join(work, 'repositories'),
      model,
    ),
  })
  const card = readFileSync(CARD, 'utf8')
  const [before = '', , after = ''] = card.split(/<!-- (?:tables|end of tables) -->/)
  const text = `${before}<!-- tables -->\n\n${tables}\n\n<!-- end of tables -->${after}`
  writeFileSync(CARD, await prettied(text, CARD))
}

const rulesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.yara?$/.test(name))
    .toSorted()
    .map((name) => join(folder, name))

const prettied = async (text: string, path: string): Promise<string> =>
  format(text, { ...(await resolveConfig(path)), filepath: path })

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    work: { type: 'string' },
    rules: { type: 'string', multiple: true, default: [] },
    pin: { type: 'boolean', default: false },
  },
})
if (positionals[0] === 'collect' && values.work !== undefined) await collect(values.work, values.pin)
else if (positionals[0] === 'train' && values.work !== undefined) await train(values.work)
else if (positionals[0] === 'evaluate' && values.work !== undefined) await evaluate(values.work, values.rules)
else {
  say(USAGE)
  process.exitCode = 2
}
