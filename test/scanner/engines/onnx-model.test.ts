import { join } from 'node:path'
import t from 'tap'
import { rulesFolder } from '../../../runtime/package-root.js'
import { scannerConfig } from '../../../scanner/config.js'
import { OnnxModel, modelSubject } from '../../../scanner/engines/onnx-model.js'
import { identify } from '../../../scanner/identify.js'
import { EXAMINED_BYTES } from '../../../scanner/model/php-features.js'
import { poolOptions } from '../../../scanner/pool-options.js'
import { ScanPool } from '../../../scanner/pool.js'

const FOLDER = join(rulesFolder, 'models', 'php-web-shell')

/** Runs what it is sent, by a name put together at run time: none of our YARA rules says anything of it. */
const SHELL =
  "<?php\n@error_reporting(0);\n$f = 'ass' . 'ert';\n$k = $_POST['k'];\nif (md5($k) === 'x') { @$f($_POST['c']); }\n" +
  "echo shell_exec($k) . passthru($_REQUEST['cmd'] . ' 2>&1');\n"

t.test('a file that only the model objects to is suspicious, never malicious', async (t) => {
  const folder = t.testdir({
    'a.php': SHELL,
    'b.txt': 'no php here',
    'c.php': '<?php\nreturn ["name" => "value"];\n',
  })
  const config = scannerConfig.parse({ jobs: 1 })
  const options = { ...poolOptions(config), hashLists: [], yaraRules: [] }
  const pool = await ScanPool.start(options)
  t.teardown(() => pool.close())
  const judge = (name: string) => pool.judge(Buffer.from(join(folder, name)))
  const shell = await judge('a.php')
  t.match(shell, {
    verdict: 'suspicious',
    reasons: [{ engine: 'onnx', rule: 'php-web-shell', level: 'suspicious' }],
  })
  t.ok((shell.reasons[0]?.score ?? 0) > 50 && (shell.reasons[0]?.score ?? 0) <= 100)
  t.match(await judge('b.txt'), { verdict: 'clean', reasons: [] })
  t.match(await judge('c.php'), { verdict: 'clean', reasons: [] })
})

t.test('a scanner whose model is missing does not start', async (t) => {
  const options = { ...poolOptions(scannerConfig.parse({ jobs: 1 })), models: [t.testdir()] }
  await t.rejects(ScanPool.start(options), { code: 'SCAN_MODEL', message: /model\.json/ })
})

t.test('the model is switched off by itself or with the built-in rules', async (t) => {
  t.strictSame(poolOptions(scannerConfig.parse({})).models, [FOLDER])
  t.strictSame(poolOptions(scannerConfig.parse({ model: false })).models, [])
  t.strictSame(poolOptions(scannerConfig.parse({ builtin_rules: false })).models, [])
})

t.test('what the model did not see of a long file is told', async (t) => {
  const engine = await OnnxModel.load(FOLDER)
  const long = Buffer.alloc(EXAMINED_BYTES + 1, 0x20)
  long.write('<?php return 1;')
  t.match(await engine.judge(long, { kind: 'php' }), [{ rule: 'examined_in_part', level: 'note' }])
  t.strictSame(await engine.judge(long.subarray(0, 100), { kind: 'php' }), [])
})

t.test('the model is asked about PHP wherever it hides, and about nothing else', async (t) => {
  const asked = (text: string): boolean => {
    const content = Buffer.from(text, 'latin1')
    return modelSubject(content, identify(content)) !== undefined
  }
  t.ok(asked('GIF89a\0\0<?php eval($_POST[1]);'))
  t.ok(asked('#!/usr/bin/env php\n<?= 1'))
  t.ok(asked('x'.repeat(5000) + '<? system($_GET[1])'))
  t.notOk(asked('GIF89a\0\0<?= \0'))
  t.notOk(asked('<?xml version="1.0"?>'))
})
