import type { FileKind } from '../identify.js'
import { EXAMINED_BYTES, examinedPart, holdsPhp } from '../model/php-features.js'
import { PhpModel } from '../model/php-model.js'
import type { Reason } from '../verdict.js'
import type { Engine, Facts } from './engine.js'

/** Kinds that are text all through: in all others, the short tags of PHP come about by chance. */
const TEXT: ReadonlySet<FileKind> = new Set(['php', 'script', 'text', 'email'])

/**
 * Asks a model about every content with PHP in it. A model errs in ways that nobody can foresee, so its word alone makes a
 * file suspicious and never more.
 */
export class OnnxModel implements Engine {
  readonly name = 'onnx'

  private constructor(readonly model: PhpModel) {}

  /** @throws ScanError `SCAN_MODEL` naming the file that is missing or wrong */
  static async load(folder: string): Promise<OnnxModel> {
    return new OnnxModel(await PhpModel.load(folder))
  }

  judge(content: Buffer, { kind }: Pick<Facts, 'kind'>): readonly Reason[] | Promise<readonly Reason[]> {
    const examined = modelSubject(content, kind)
    return examined === undefined ? [] : this.#ask(examined, content.length)
  }

  async #ask(examined: Buffer, size: number): Promise<readonly Reason[]> {
    const { name, threshold } = this.model.manifest
    const probability = await this.model.probability(examined)
    const reasons: Reason[] = []
    if (probability >= threshold)
      reasons.push({ engine: 'onnx', rule: name, level: 'suspicious', score: Math.round(probability * 100) })
    if (size > EXAMINED_BYTES)
      reasons.push({
        engine: 'onnx',
        rule: 'examined_in_part',
        level: 'note',
        detail: `${name} looked at ${EXAMINED_BYTES} of ${size} bytes`,
      })
    return reasons
  }
}

/** The part of a content that the model is asked about; undefined when there is no PHP in it. */
export function modelSubject(content: Buffer, kind: FileKind): Buffer | undefined {
  const examined = examinedPart(content)
  return holdsPhp(examined, !TEXT.has(kind)) ? examined : undefined
}
