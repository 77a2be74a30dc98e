import t from 'tap'
import { fingerprintOf, NearDuplicates } from '../../../../scanner/model/training/fingerprint.js'

const program = (name: string, count: number): string =>
  '<?php\n' +
  Array.from({ length: count }, (_, i) => `function ${name}${i}($a) { return $a->go(${i}, "x"); }`).join('\n')

const prints = (text: string) => fingerprintOf(Buffer.from(text))

t.test('white space and comments make no other program', async (t) => {
  t.equal(prints('<?php eval($a) ;').exact, prints('<?php /* x */ eval( $a ); // y').exact)
  t.not(prints('<?php eval($a);').exact, prints('<?php eval($b);').exact)
})

t.test(
  'a copy with other names of variables, other texts and one more line is a near duplicate',
  async (t) => {
    const seen = new NearDuplicates()
    seen.add(prints(program('f', 60)))
    t.ok(seen.has(prints(program('f', 60).replaceAll('$a', '$zz').replaceAll('"x"', '"pass"'))))
    t.notOk(seen.hasExact(prints(program('f', 60).replaceAll('$a', '$zz'))))
    t.ok(seen.has(prints(program('f', 60) + '\necho 1;')))
    t.notOk(seen.has(prints(program('g', 60))))
  },
)

t.test('every copy that differs in at most three bits is found, whichever bits they are', async (t) => {
  const base = { exact: 'a', high: 0x12345678, low: 0x9abcdef0, tokens: 500 }
  const seen = new NearDuplicates()
  seen.add(base)
  for (let bit = 0; bit < 32; bit++) {
    const other = {
      ...base,
      exact: 'b',
      high: (base.high ^ (1 << bit)) >>> 0,
      low: (base.low ^ (1 << bit) ^ 1) >>> 0,
    }
    t.ok(seen.has(other), String(bit))
    t.notOk(
      seen.has({
        ...other,
        high: (other.high ^ (0x30000 << (bit % 14))) >>> 0,
        low: (other.low ^ 0x600) >>> 0,
      }),
    )
  }
})
