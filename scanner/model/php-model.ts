import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type * as Onnx from 'onnxruntime-node'
import { z } from 'zod'
import { ScanError } from '../errors.js'
import { FEATURE_COUNT, FEATURES_VERSION } from './php-columns.js'
import { phpFeatures } from './php-features.js'

/** `model.json` beside a model. */
export const modelManifest = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/)
    .describe('Name that reasons carry.'),
  version: z.string().min(1).max(32),
  file: z
    .string()
    .regex(/^[\w-]+\.onnx$/)
    .describe('Name of the model in the same folder.'),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .describe('Digest of that file.'),
  features_version: z.number().int().describe('Features that it was trained on.'),
  threshold: z
    .number()
    .gt(0)
    .lt(1)
    .describe('From this probability on, a file is suspicious. Frozen on the validation split.'),
})

export type ModelManifest = z.infer<typeof modelManifest>

/** Bytes. Ours is a fifth of this; a file that is far larger is none of ours. */
const MAX_MODEL_BYTES = 5 * 1024 * 1024

const INPUT = 'features'
const OUTPUT = 'probability'

/** A classifier of PHP files, run by the ONNX runtime on the processor. */
export class PhpModel {
  private constructor(
    readonly manifest: ModelManifest,
    readonly session: Onnx.InferenceSession,
    readonly runtime: typeof Onnx,
  ) {}

  /**
   * Loads the model of a folder and judges one empty file with it, so that what does not work says so at start.
   * @throws ScanError `SCAN_MODEL` naming the file: missing, not the one the manifest names, made for other features, or
   *   not taking and giving what it has to
   */
  static async load(folder: string): Promise<PhpModel> {
    const manifest = readManifest(join(folder, 'model.json'))
    const path = join(folder, manifest.file)
    if (manifest.features_version !== FEATURES_VERSION)
      throw new ScanError(
        'SCAN_MODEL',
        `${join(folder, 'model.json')}: features_version: the model was trained on features ${manifest.features_version}, this ` +
          `program computes ${FEATURES_VERSION}`,
      )
    const bytes = readModel(path)
    const digest = createHash('sha256').update(bytes).digest('hex')
    if (digest !== manifest.sha256)
      throw new ScanError(
        'SCAN_MODEL',
        `${path}: its SHA-256 is ${digest}, model.json says ${manifest.sha256}`,
      )
    const runtime = loadRuntime()
    let session: Onnx.InferenceSession
    try {
      session = await runtime.InferenceSession.create(bytes, {
        // One file at a time in each worker process: more threads would only contend.
        intraOpNumThreads: 1,
        interOpNumThreads: 1,
        executionProviders: ['cpu'],
        logSeverityLevel: 4,
      })
    } catch (cause) {
      throw new ScanError('SCAN_MODEL', `${path}: the ONNX runtime does not take it`, { cause })
    }
    checkShape(session, path)
    const model = new PhpModel(manifest, session, runtime)
    try {
      await model.probability(Buffer.alloc(0))
    } catch (cause) {
      throw new ScanError('SCAN_MODEL', `${path}: the model does not run`, { cause })
    }
    return model
  }

  /** The probability of a web shell that the model gives to what `examinedPart` left of a file. */
  async probability(examined: Buffer): Promise<number> {
    const input = new this.runtime.Tensor('float32', phpFeatures(examined), [1, FEATURE_COUNT])
    const { [OUTPUT]: output } = await this.session.run({ [INPUT]: input })
    const probability = output?.data[0]
    if (typeof probability !== 'number' || !(probability >= 0 && probability <= 1))
      throw new ScanError('SCAN_MODEL', `${this.manifest.name}: the model gave ${String(probability)}`)
    return probability
  }
}

function readManifest(path: string): ModelManifest {
  let json: unknown
  try {
    json = JSON.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw new ScanError('SCAN_MODEL', `cannot read the model's manifest ${path}`, { cause })
  }
  const parsed = modelManifest.safeParse(json)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new ScanError(
    'SCAN_MODEL',
    `${path}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}`,
    {
      cause: parsed.error,
    },
  )
}

function readModel(path: string): Buffer {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch (cause) {
    throw new ScanError('SCAN_MODEL', `cannot read the model ${path}`, { cause })
  }
  if (bytes.length > MAX_MODEL_BYTES)
    throw new ScanError('SCAN_MODEL', `${path}: ${bytes.length} bytes, the limit is ${MAX_MODEL_BYTES}`)
  return bytes
}

/** Loaded only where a model is: its library costs every process 40 MB. */
function loadRuntime(): typeof Onnx {
  try {
    return createRequire(import.meta.url)('onnxruntime-node') as typeof Onnx
  } catch (cause) {
    throw new ScanError('SCAN_MODEL', 'the ONNX runtime does not load on this platform', { cause })
  }
}

function checkShape(session: Onnx.InferenceSession, path: string): void {
  const [input, ...inputs] = session.inputMetadata
  const [output, ...outputs] = session.outputMetadata
  if (inputs.length > 0 || !fits(input, INPUT, FEATURE_COUNT))
    throw new ScanError(
      'SCAN_MODEL',
      `${path}: it must take one float tensor ${INPUT} of ${FEATURE_COUNT} columns, not ${describe(session.inputMetadata)}`,
    )
  if (outputs.length > 0 || !fits(output, OUTPUT, 1))
    throw new ScanError(
      'SCAN_MODEL',
      `${path}: it must give one float tensor ${OUTPUT} of 1 column, not ${describe(session.outputMetadata)}`,
    )
}

type Metadata = Onnx.InferenceSession.ValueMetadata

const fits = (value: Metadata | undefined, name: string, columns: number): boolean =>
  value?.name === name &&
  value.isTensor &&
  value.type === 'float32' &&
  value.shape.length === 2 &&
  value.shape[1] === columns

const describe = (values: readonly Metadata[]): string =>
  values
    .map(
      (value) =>
        `${value.name} ${value.isTensor ? `${value.type}[${value.shape.join(', ')}]` : 'of another type'}`,
    )
    .join(' and ')
