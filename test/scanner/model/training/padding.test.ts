import t from 'tap'
import { HASHED, STATISTIC_NAMES } from '../../../../scanner/model/php-columns.js'
import { collectSource } from '../../../../scanner/model/training/corpus.js'
import { fillersFrom, paddedRows, PADDINGS, readSamples } from '../../../../scanner/model/training/padding.js'
import { bareRepository } from './bare-repository.js'

const EVALUATES = HASHED + STATISTIC_NAMES.indexOf('calls_evaluate')
const METHODS = HASHED + STATISTIC_NAMES.indexOf('method_calls')

t.test('a padded shell shows what the shell does, and a padded harmless file does not', async (t) => {
  const folder = t.testdir()
  const commit = bareRepository(folder, {
    'bad/a.php': '<?php eval($_POST[1]);',
    'good/b.php': '<?php $a->b();',
    'good/c.php': '<?php $c->d(); $e->f();',
  })
  const source = { repository: 'own/name', commit, split: 'train' as const }
  const sources = [
    { ...source, label: 'web-shell' as const, under: ['bad/'] },
    { ...source, label: 'benign' as const, under: ['good/'] },
  ]
  const samples = (
    await Promise.all(sources.map((each, number) => collectSource(each, number, folder)))
  ).flat()
  t.equal(samples.length, 3)
  const fillers = await fillersFrom(samples, sources, folder, 10, 1)
  t.ok(fillers.length > 0 && fillers.every((filler) => filler.includes('->')))
  const rows = await paddedRows(samples, sources, folder, fillers, 1)
  const shells = rows.filter((row) => row.label === 1)
  t.equal(shells.length, Object.keys(PADDINGS).length)
  for (const row of shells) t.ok(row.indices.includes(EVALUATES))
  t.equal(shells.filter((row) => row.indices.includes(METHODS)).length, 2, 'a licence text calls nothing')
  t.ok(rows.every((row) => row.label === 1 || !row.indices.includes(EVALUATES)))
  const read: string[] = []
  for await (const { sample, content } of readSamples(samples, sources, folder))
    read.push(`${sample.path} ${content.length}`)
  t.strictSame(read, ['bad/a.php 22', 'good/b.php 14', 'good/c.php 23'])
})
