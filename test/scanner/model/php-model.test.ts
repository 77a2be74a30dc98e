import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { rulesFolder } from '../../../runtime/package-root.js'
import {
  FEATURE_COUNT,
  FEATURES_VERSION,
  HASHED,
  STATISTIC_NAMES,
} from '../../../scanner/model/php-columns.js'
import { PhpModel } from '../../../scanner/model/php-model.js'
import type { BoostedTrees } from '../../../scanner/model/training/gradient-boosting.js'
import { writeOnnx } from '../../../scanner/model/training/onnx-writer.js'

const EVALUATES = HASHED + STATISTIC_NAMES.indexOf('calls_evaluate')

/** One tree: eval is a shell, everything else is none. */
const trees: BoostedTrees = {
  base: 0,
  trees: [{ feature: EVALUATES, threshold: 0, left: { value: -2 }, right: { value: 2 } }],
}

const folderWith = (t: Test, model: Buffer | undefined, manifest: Record<string, unknown> = {}): string => {
  const folder = mkdtempSync(join(tmpdir(), 'model-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  if (model) writeFileSync(join(folder, 'model.onnx'), model)
  const whole = {
    name: 'test-model',
    version: '1',
    file: 'model.onnx',
    sha256: createHash('sha256')
      .update(model ?? '')
      .digest('hex'),
    features_version: FEATURES_VERSION,
    threshold: 0.5,
    ...manifest,
  }
  writeFileSync(join(folder, 'model.json'), JSON.stringify(whole))
  return folder
}

t.test('trees give in the runtime what they say', async (t) => {
  const model = await PhpModel.load(folderWith(t, writeOnnx(trees, FEATURE_COUNT, 'test')))
  const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))
  t.ok(Math.abs((await model.probability(Buffer.from('<?php eval($x);'))) - sigmoid(2)) < 1e-6)
  t.ok(Math.abs((await model.probability(Buffer.from('<?php echo $x;'))) - sigmoid(-2)) < 1e-6)
})

t.test('a model that cannot serve is an error at start that names it', async (t) => {
  const good = writeOnnx(trees, FEATURE_COUNT, 'test')
  const fails = async (folder: string, message: RegExp): Promise<void> => {
    await t.rejects(PhpModel.load(folder), { name: 'ScanError', code: 'SCAN_MODEL', message })
  }
  await fails('/nowhere/at/all', /manifest \/nowhere\/at\/all\/model\.json/)
  await fails(folderWith(t, undefined), /cannot read the model .*model\.onnx/)
  await fails(
    folderWith(t, good, { sha256: '0'.repeat(64) }),
    /model\.onnx: its SHA-256 is [0-9a-f]{64}, model\.json/,
  )
  await fails(folderWith(t, good, { threshold: 1 }), /model\.json: threshold: /)
  await fails(folderWith(t, good, { file: '../model.onnx' }), /model\.json: file: /)
  await fails(folderWith(t, good, { more: 1 }), /model\.json: /)
  await fails(
    folderWith(t, good, { features_version: 0 }),
    /features_version: the model was trained on features 0/,
  )
  await fails(
    folderWith(t, good.subarray(0, good.length / 2)),
    /model\.onnx: the ONNX runtime does not take it/,
  )
  await fails(folderWith(t, Buffer.from('no protobuf')), /model\.onnx: the ONNX runtime does not take it/)
  await fails(
    folderWith(t, writeOnnx(trees, FEATURE_COUNT + 1, 'test')),
    new RegExp(
      `model\\.onnx: it must take one float tensor features of ${FEATURE_COUNT} columns, not features float32\\[`,
    ),
  )
  await fails(
    folderWith(t, Buffer.alloc(6 * 1024 * 1024)),
    /model\.onnx: 6291456 bytes, the limit is 5242880/,
  )
})

t.test('the model that comes with the product loads and is under 5 MB', async (t) => {
  const model = await PhpModel.load(join(rulesFolder, 'models', 'php-web-shell'))
  t.equal(model.manifest.name, 'php-web-shell')
  const probability = await model.probability(Buffer.from("<?php @eval($_POST['x']); ?>"))
  t.ok(probability >= model.manifest.threshold, String(probability))
  const plain =
    '<?php\nnamespace App;\n\nclass A\n{\n    public function b(): int\n    {\n        return 1;\n    }\n}\n'
  t.ok((await model.probability(Buffer.from(plain))) < model.manifest.threshold)
})
