import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import t from 'tap'
import {
  FEATURE_COUNT,
  FEATURES_VERSION,
  HASHED,
  STATISTIC_NAMES,
} from '../../../scanner/model/php-columns.js'
import { EXAMINED_BYTES, examinedPart, holdsPhp, phpFeatures } from '../../../scanner/model/php-features.js'

/** Statistics that are not 0, counts and sizes as such again. */
const statistics = (text: string): Record<string, number> => {
  const features = phpFeatures(Buffer.from(text, 'latin1'))
  return Object.fromEntries(
    STATISTIC_NAMES.flatMap((name, index) => {
      const value = features[HASHED + index] ?? 0
      return value === 0 ? [] : [[name, Math.round(Math.expm1(value))]]
    }),
  )
}

t.test('a one-line shell shows its sink, its decoder and its input', async (t) => {
  t.match(statistics("<?php @eval(base64_decode($_POST['x'])); ?>"), {
    silenced: 1,
    silenced_calls: 1,
    calls_evaluate: 1,
    calls_decode: 1,
    decoder_in_sink: 1,
    uses__post: 1,
    input_in_sink: 1,
  })
})

t.test('calls are told by what is called', async (t) => {
  t.match(statistics("<?php $_GET['f']($_GET['x']);"), { input_called: 1, input_in_call: 1, uses__get: 2 })
  t.match(statistics('<?php $f($x); $a["b"](1); ("sys"."tem")(1); foo(2);'), {
    variable_calls: 1,
    computed_calls: 2,
    other_calls: 1,
  })
  t.match(statistics('<?php ${"a"}; $$b; `id`; include $c;'), {
    variable_variables: 2,
    shell_quotes: 1,
    variable_in_include: 1,
  })
  const method = statistics('<?php $db->exec("x"); function system() {} if ($a) {}')
  t.match(method, { method_calls: 2, declared_functions: 1 })
  t.equal(method.calls_command, undefined, 'neither a method nor a declaration is a command')
  t.equal(method.other_calls, undefined, 'a keyword is no call')
})

t.test('comments and the names of variables do not count', async (t) => {
  const hashed = (text: string): string => phpFeatures(Buffer.from(text)).subarray(0, HASHED).join()
  t.equal(hashed('<?php /* a licence */ eval($a);'), hashed('<?php eval($b); // all rights reserved'))
  t.not(hashed('<?php eval($a);'), hashed('<?php eval($_GET);'))
})

t.test('the features of a version never change', async (t) => {
  const files = [
    '',
    "<?php @eval(base64_decode($_POST['x'])); ?>",
    '<html><?= htmlspecialchars($title) ?></html>\n',
    `<?php\nnamespace A\\B;\n\nclass C extends D\n{\n    public function e(int $f): string\n    {\n        return "g {$f}";\n    }\n}\n`,
    `<?php $a = "${'QUJD'.repeat(40)}"; $b = "\\x65\\x76\\141\\154"; $c = $b ^ $a . <<<E\nshell\nE;\n`,
    Buffer.from(Array.from({ length: 2000 }, (_, index) => (index * 7919) % 256)).toString('latin1'),
  ]
  const hash = createHash('sha256')
  for (const file of files) hash.update(new Uint8Array(phpFeatures(Buffer.from(file, 'latin1')).buffer))
  t.equal(FEATURES_VERSION, 1)
  t.equal(FEATURE_COUNT, 4096 + STATISTIC_NAMES.length)
  t.equal(hash.digest('hex'), '26aa7ba7a82b5cbcae54fb89688ac500b456ad2b778f055c1ec779fcf5a79031')
})

t.test('a long file is looked at in part, its end included', async (t) => {
  const content = Buffer.alloc(EXAMINED_BYTES * 3, 0x20)
  content.write('<?php ', 0)
  content.write('eval($_POST)', content.length - 20)
  const examined = examinedPart(content)
  t.equal(examined.length, EXAMINED_BYTES)
  t.ok(phpFeatures(examined)[HASHED + STATISTIC_NAMES.indexOf('calls_evaluate')])
  const short = Buffer.from('short')
  t.equal(examinedPart(short), short)
})

t.test('PHP is found in text by any tag, in binary data by the long one', async (t) => {
  t.ok(holdsPhp(Buffer.from('<?= 1'), false))
  t.notOk(holdsPhp(Buffer.from('\0<?= 1'), true))
  t.ok(holdsPhp(Buffer.from('\0<?PHP '), true))
  t.notOk(holdsPhp(Buffer.from('<?xml version="1.0"?>'), false))
})

t.test('any bytes give finite numbers', async (t) => {
  const piece = fc.oneof(
    fc.string(),
    fc.constantFrom(
      '<?php ',
      '?>',
      '(',
      ')',
      '[',
      ']',
      '$_GET',
      '$a',
      'eval',
      '"\\x41',
      "'",
      '->',
      '@',
      '$',
      '<<<A\n',
    ),
  )
  fc.assert(
    fc.property(fc.array(piece), (pieces) =>
      phpFeatures(Buffer.from(`<?php ${pieces.join('')}`)).every(
        (value) => Number.isFinite(value) && value >= 0,
      ),
    ),
    { numRuns: 1000 },
  )
  t.pass()
})

t.test('the time is linear in the length, whatever the bytes', async (t) => {
  const hostile = [
    '(',
    '$',
    '<?',
    '<<<A\n',
    '/*',
    '#\n',
    "'\\",
    '?><?php ',
    '<<<A\nA',
    '@',
    '`',
    'a\\',
    '"\\x',
    '((a(',
  ]
  for (const piece of hostile) {
    const ofLength = (length: number): Buffer =>
      Buffer.from('<?php ' + piece.repeat(Math.ceil(length / piece.length)))
    const [small, large] = [ofLength(EXAMINED_BYTES / 16), ofLength(EXAMINED_BYTES)]
    const cost = (bytes: Buffer): number => {
      const rounds = [1, 2, 3].map(() => {
        const before = process.cpuUsage().user
        phpFeatures(bytes)
        return process.cpuUsage().user - before
      })
      return Math.min(...rounds)
    }
    cost(small)
    const ratio = cost(large) / Math.max(cost(small), 1000)
    // Sixteen times the length; a quadratic step would cost 256 times.
    t.ok(ratio < 100, `${JSON.stringify(piece)}: ${ratio.toFixed(1)}`)
  }
})
