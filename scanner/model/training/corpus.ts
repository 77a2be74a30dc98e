import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { identify } from '../../identify.js'
import { modelSubject } from '../../engines/onnx-model.js'
import { phpFeatures } from '../php-features.js'
import { fingerprintOf, type Fingerprint } from './fingerprint.js'
import { blobsOf, contentsOf, repositoryAt, type Blob } from './git.js'

/**
 * The files that the model is trained and measured on, named by repository and commit in `sources.json` and never kept
 * in this repository: most of one half are somebody's malware, and the other half is somebody's copyright.
 */

const SPLITS = ['train', 'validation', 'test', 'field'] as const
export type Split = (typeof SPLITS)[number]

const sourcesSchema = z.strictObject({
  sources: z.array(
    z.strictObject({
      repository: z.string().regex(/^[\w.-]+\/[\w.-]+$/),
      commit: z.string().regex(/^[0-9a-f]{40}$/),
      label: z.enum(['web-shell', 'benign']),
      /** A repository is in one split only. */
      split: z.enum(SPLITS),
      /** Only paths that start with one of these. */
      under: z.array(z.string()).optional(),
      /** How many files were taken, and SHA-256 over their sorted blob ids, one a line: what the commit must yield. */
      blobs: z.number().int().optional(),
      blobs_sha256: z.string().optional(),
    }),
  ),
})

export type Source = z.infer<typeof sourcesSchema>['sources'][number]

export const readSources = (file: string | URL): Source[] =>
  sourcesSchema.parse(JSON.parse(readFileSync(file, 'utf8'))).sources

export interface Sample {
  readonly source: number
  readonly blob: string
  readonly path: string
  readonly label: 0 | 1
  readonly split: Split
  readonly fingerprint: Fingerprint
  /** Indices of the features that are not 0, ascending, and their values. */
  readonly indices: Uint16Array
  readonly values: Float32Array
}

/** Bytes. Larger blobs are dumps and bundles. */
const MAX_BLOB = 4 * 1024 * 1024

/** What in a collection of web shells is told by its name to be no PHP: descriptions, rules, shells in other languages. */
const NOT_PHP =
  /\.(?:md|markdown|rst|yara?|ya?ml|json|py|pl|cgi|js|css|html?|xml|svg|java|jspx?|aspx?|ashx|asmx|cs|go|rb|sh|c|cpp|cfm)$/i

/** Whether a file of a source is considered at all; whether it holds PHP is decided by its content. */
export const isCandidate = (source: Source, blob: Blob): boolean =>
  blob.size > 0 &&
  blob.size <= MAX_BLOB &&
  (source.under?.some((folder) => blob.path.startsWith(folder)) ?? true) &&
  (source.label === 'benign' || !NOT_PHP.test(blob.path))

/** The identity of a set of blobs. */
export const blobsDigest = (ids: readonly string[]): string =>
  createHash('sha256')
    .update(
      ids
        .toSorted()
        .map((id) => `${id}\n`)
        .join(''),
    )
    .digest('hex')

/** Reads one source: every file with PHP in it, as the scanner would see it. */
export async function collectSource(source: Source, number: number, repositories: string): Promise<Sample[]> {
  const repository = repositoryAt(repositories, source.repository, source.commit)
  const blobs = blobsOf(repository, source.commit).filter((blob) => isCandidate(source, blob))
  const samples: Sample[] = []
  let at = 0
  for await (const content of contentsOf(
    repository,
    blobs.map((blob) => blob.id),
  )) {
    const blob = blobs[at++]
    if (!blob) break
    const examined = modelSubject(content, identify(content))
    if (examined === undefined) continue
    samples.push({
      source: number,
      blob: blob.id,
      path: blob.path,
      label: source.label === 'benign' ? 0 : 1,
      split: source.split,
      fingerprint: fingerprintOf(examined),
      ...sparse(phpFeatures(examined)),
    })
  }
  return samples
}

/** The features that are not 0. */
export function sparse(features: Float32Array): Pick<Sample, 'indices' | 'values'> {
  const indices: number[] = []
  for (let index = 0; index < features.length; index++) if (features[index] !== 0) indices.push(index)
  return {
    indices: Uint16Array.from(indices),
    values: Float32Array.from(indices, (index) => features[index] ?? 0),
  }
}
