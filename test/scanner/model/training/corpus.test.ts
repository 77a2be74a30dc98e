import t from 'tap'
import { FEATURE_COUNT } from '../../../../scanner/model/php-columns.js'
import { blobsDigest, collectSource, readSources } from '../../../../scanner/model/training/corpus.js'
import { blobsOf, contentsOf, repositoryAt } from '../../../../scanner/model/training/git.js'
import { bareRepository } from './bare-repository.js'

t.test('the contents of a commit come out of git as they went in', async (t) => {
  const folder = t.testdir()
  const large = Buffer.alloc(300_000, 'blob 5\n')
  const commit = bareRepository(folder, { a: large, 'b\nc': 'x', d: '', 'e/f': '\n\n' })
  const path = repositoryAt(folder, 'own/name', commit)
  const blobs = blobsOf(path, commit)
  t.strictSame(
    blobs.map(({ path, size }) => [path, size]),
    [
      ['a', 300_000],
      ['b\nc', 1],
      ['d', 0],
      ['e/f', 2],
    ],
  )
  const contents: Buffer[] = []
  for await (const content of contentsOf(
    path,
    blobs.map(({ id }) => id),
  ))
    contents.push(Buffer.from(content))
  t.strictSame(contents, [large, Buffer.from('x'), Buffer.alloc(0), Buffer.from('\n\n')])
  t.throws(() => repositoryAt(folder, 'own/name', '0'.repeat(40)), /does not hold the commit/)
})

t.test('of a source, the files with PHP in the named folders are taken', async (t) => {
  const folder = t.testdir()
  const commit = bareRepository(folder, {
    'shells/a.php': '<?php eval($_POST[1]);',
    'shells/b.md': '<?php in a description',
    'shells/c.txt': 'nothing',
    'other/d.php': '<?php 1;',
  })
  const source = { repository: 'own/name', commit, label: 'web-shell' as const, split: 'test' as const }
  const samples = await collectSource({ ...source, under: ['shells/'] }, 3, folder)
  t.match(samples, [{ path: 'shells/a.php', label: 1, split: 'test', source: 3 }])
  t.equal(samples.length, 1)
  t.ok(samples[0]?.indices.every((index) => index < FEATURE_COUNT))
  t.equal((await collectSource({ ...source, label: 'benign' }, 0, folder)).length, 3)
})

t.test('the manifest names each repository once, with its commit and the blobs it yields', async (t) => {
  const sources = readSources(new URL('../../../../scanner/model/training/sources.json', import.meta.url))
  t.equal(new Set(sources.map(({ repository }) => repository)).size, sources.length)
  t.ok(
    sources.every(
      ({ blobs, blobs_sha256: digest }) => (blobs ?? 0) > 0 && /^[0-9a-f]{64}$/.test(digest ?? ''),
    ),
  )
  t.equal(blobsDigest(['b', 'a']), blobsDigest(['a', 'b']))
})
