import { modelSubject } from '../../engines/onnx-model.js'
import { identify } from '../../identify.js'
import { phpFeatures } from '../php-features.js'
import { sparse, type Sample, type Source } from './corpus.js'
import { contentsOf, repositoryAt } from './git.js'
import { randomOf, type Row } from './gradient-boosting.js'

/**
 * What an attacker does first against a classifier: hide a shell among harmless code. Made from files of the same split, for
 * training, so that harmless code beside a shell does not excuse it, and for measuring whether it does.
 */

const CLOSE = Buffer.from('\n?>\n')

/** A licence text of 14 kB. */
const COMMENT = Buffer.from(
  `<?php\n/*\n${' * The terms of the licence apply to this file and to all others.\n'.repeat(200)}*/ ?>\n`,
)

export const PADDINGS = {
  'a licence text before it': (content: Buffer) => Buffer.concat([COMMENT, content]),
  'a harmless file before it': (content: Buffer, filler: Buffer) => Buffer.concat([filler, CLOSE, content]),
  'a harmless file after it': (content: Buffer, filler: Buffer) => Buffer.concat([content, CLOSE, filler]),
} as const

/** The contents of samples, source by source. */
export async function* readSamples(
  samples: readonly Sample[],
  sources: readonly Source[],
  repositories: string,
): AsyncGenerator<{ readonly sample: Sample; readonly content: Buffer }> {
  for (const [number, source] of sources.entries()) {
    const ofSource = samples.filter((sample) => sample.source === number)
    if (ofSource.length === 0) continue
    const repository = repositoryAt(repositories, source.repository, source.commit)
    let at = 0
    for await (const content of contentsOf(
      repository,
      ofSource.map((sample) => sample.blob),
    )) {
      const sample = ofSource[at++]
      if (sample) yield { sample, content }
    }
  }
}

/** `count` harmless files of a split, drawn with the seed. */
export async function fillersFrom(
  samples: readonly Sample[],
  sources: readonly Source[],
  repositories: string,
  count: number,
  seed: number,
): Promise<Buffer[]> {
  const random = randomOf(seed)
  const benign = samples.filter((sample) => sample.label === 0)
  const chosen = new Set(Array.from({ length: count }, () => benign[Math.floor(random() * benign.length)]))
  const fillers: Buffer[] = []
  for await (const { content } of readSamples(
    benign.filter((sample) => chosen.has(sample)),
    sources,
    repositories,
  ))
    fillers.push(Buffer.from(content))
  return fillers
}

/** Every web shell with each padding, and as many harmless files padded in the same ways, so that padding itself tells nothing. */
export async function paddedRows(
  samples: readonly Sample[],
  sources: readonly Source[],
  repositories: string,
  fillers: readonly Buffer[],
  seed: number,
): Promise<Row[]> {
  const random = randomOf(seed)
  const shells = samples.filter((sample) => sample.label === 1)
  const benign = samples.filter((sample) => sample.label === 0)
  const share = shells.length / benign.length
  const chosen = samples.filter((sample) => sample.label === 1 || random() < share)
  const rows: Row[] = []
  for await (const { sample, content } of readSamples(chosen, sources, repositories))
    for (const pad of Object.values(PADDINGS)) {
      const padded = pad(content, fillers[Math.floor(random() * fillers.length)] ?? CLOSE)
      const examined = modelSubject(padded, identify(padded))
      if (examined) rows.push({ ...sparse(phpFeatures(examined)), label: sample.label })
    }
  return rows
}
