import t from 'tap'
import type { Sample, Split } from '../../../../scanner/model/training/corpus.js'
import { fingerprintOf } from '../../../../scanner/model/training/fingerprint.js'
import { separate } from '../../../../scanner/model/training/splits.js'

const sample = (split: Split, label: 0 | 1, text: string): Sample => ({
  source: 0,
  blob: text,
  path: '',
  label,
  split,
  fingerprint: fingerprintOf(Buffer.from(text)),
  indices: new Uint16Array(),
  values: new Float32Array(),
})

t.test('no file is in two splits, and none with both labels among the web shells', async (t) => {
  const { kept, dropped } = separate([
    sample('test', 1, '<?php eval($_POST[1]);'),
    sample('train', 1, '<?php eval( $_POST[1] ); // copy'),
    sample('test', 1, '<?php system($_GET["c"]); echo "a";'),
    sample('test', 1, '<?php system($_GET["d"]); echo "b";'),
    sample('validation', 1, '<?php echo "shared";'),
    sample('train', 0, '<?php echo "shared";'),
    sample('test', 0, '<?php return new Thing(1, 2, 3);'),
  ])
  t.strictSame(
    kept.train.map((kept) => kept.label),
    [1, 0],
  )
  t.strictSame(kept.validation, [])
  t.equal(dropped.validation.bothLabels, 1)
  t.equal(kept.test.length, 2, 'one of the two that are built alike, and the benign one')
  t.strictSame(dropped.test, { duplicates: 1, acrossSplits: 1, bothLabels: 0 })
})
