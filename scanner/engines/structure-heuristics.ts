import { elfSigns } from '../structure/elf.js'
import { officeSigns } from '../structure/office.js'
import { pdfSigns } from '../structure/pdf.js'
import { peSigns } from '../structure/pe.js'
import { scriptSigns } from '../structure/script.js'
import type { Sign } from '../structure/sign.js'
import type { FileKind } from '../identify.js'
import type { ScanPolicy } from '../policy.js'
import type { Reason } from '../verdict.js'
import type { Engine, Facts } from './engine.js'

const BY_KIND: Partial<Record<FileKind, (content: Buffer) => readonly Sign[]>> = {
  elf: elfSigns,
  pe: peSigns,
  pdf: pdfSigns,
  ole: officeSigns,
  script: scriptSigns,
}

/**
 * Signs in the structure of a content that honest files of its kind seldom have. None proves anything: their sum decides
 * whether the content is suspicious, and alone they never make it malicious.
 */
export class StructureHeuristics implements Engine {
  readonly name = 'heuristic'

  constructor(readonly policy: ScanPolicy) {}

  judge(content: Buffer, { kind }: Facts): readonly Reason[] {
    const signs = BY_KIND[kind]?.(content) ?? []
    const sum = signs.reduce((total, { score }) => total + score, 0)
    const level = sum >= this.policy.heuristic_score ? 'suspicious' : 'note'
    return signs.map(({ rule, score, detail }) => ({ engine: 'heuristic', rule, level, score, detail }))
  }
}
