import t from 'tap'
import { benignSentences } from '../../../detectors/injection/benign-grammar.js'
import { detectSqli } from '../../../detectors/injection/index.js'
import { sqliFingerprints } from '../../../detectors/injection/sqli-fingerprints.js'
import { attackShape } from '../../../detectors/injection/sqli-shapes.js'
import { sqlContexts, sqlFingerprint, sqlShape } from '../../../detectors/injection/sqli.js'
import { growth, mixture, seeded } from '../seclang/work.js'
import { attackSentences } from './attack-grammar.js'
import { corpusFiles, corpusFolder, corpusLines } from './corpus.js'
import { derive } from './derive-fingerprints.js'

t.test('attacks are seen in each context', async (t) => {
  for (const value of [
    "1' or '1'='1",
    '1 or 1=1',
    '" or ""="',
    "admin'--",
    '1 union select 1,2,3',
    "x'; drop table users; --",
    "1; waitfor delay '0:0:5'",
    '1/*!50000union*/select 1',
    "1'/**/or/**/1=1#",
    '1 and sleep(5)',
    "' or sleep(5)='",
    '-1 order by 10--',
    "1') or ('a'='a",
    "1' and 1=convert(int,@@version)--",
    '1 AND 1=(SELECT 1)',
    "'||(select 1)||'",
  ])
    t.type(detectSqli(value), 'string', value)
})

t.test('padding does not push an attack out of sight', async (t) => {
  t.type(detectSqli('1' + '+1'.repeat(500) + ' union select 1'), 'string')
  t.type(detectSqli('a; b = c; '.repeat(5000) + '1 union select 1'), 'string')
  t.type(detectSqli('('.repeat(500) + '1) union select 1'), 'string')
  t.type(detectSqli('1,'.repeat(500) + '1 union select 1'), 'string')
  t.type(detectSqli('1' + '/**/'.repeat(500) + 'union select 1'), 'string')
  t.type(detectSqli("1'" + ' '.repeat(5000) + "or '1'='1"), 'string')
})

t.test('everyday values are not', async (t) => {
  for (const value of [
    '',
    'hello world',
    "Tom O'Brien",
    'rock & roll',
    'the union of workers',
    'select a color',
    '1-2-3',
    '2024-01-31',
    'a=1&b=2',
    'x@example.com',
    '{"a":"b"}',
    "it's",
    '7" x 5"',
    'please drop me a line',
    'this is not isqli',
    'C# and F#',
    'order by phone',
    'where is it?',
    'Mozilla/5.0 (X11; Linux x86_64) Gecko',
    "d'Artagnan and l'Oréal",
    "don't use 'a' or 'b'",
    "if (x === '/' && y > 3) return z;",
    'a.b(c) and d.e(f) or g',
    "path: '/',",
    'for all x and y, x + y = y + x',
    'sleep(5); // wait',
    'Please select one of the options; use the list below',
    '"rose gold" and "silver" -plated',
    "items.filter(i => i.id !== '')",
    'we drop the table at 5; call when you get here',
    'tom@example.com, ann@example.org',
    '| a | b |',
    '**select** your _union_ rep',
    '-- a dash, and a #tag',
    'When I select "Delete account" from the menu, nothing happens',
    'then *select* your cups from the shelf',
    'Select 3 ripe tomatoes from a crate; peel them',
    "select 'and'",
    'SMALL "&" SIGN',
    'see [this](/a) and [more](https://example.org/b?sort=price&page=2)',
  ])
    t.equal(detectSqli(value), false, value)
})

t.test('shapes that no corpus shows are seen', async (t) => {
  for (const value of [
    '1) procedure analyse(extractvalue(1,2),1)',
    '7 and (select count(*) from x)',
    "z' or json_keys((select 1))",
    'foo,(select 1)',
    "x')); select pg_sleep(5)",
    '-1 /*!union*/ /*!select*/ 1',
    '1e0union select 2',
    "x'||(select 1 from dual)||'",
    "1';begin dbms_lock.sleep(5); end;--",
    '1 and (case when 2=2 then 3 else 4 end)=3',
    "') where 1=1 and make_set(2=2,3)--",
    "'+char(65)+'",
    'order by 7-- -',
    "x' and y is null; --",
    '1;exec master..xp_cmdshell "dir"',
    "-1' in boolean mode) order by 1#",
    "' or exists(select 1 from t) and 'a'='a",
    '{x 1} union select 2',
    '1 procedure analyse()',
    '1.e.t',
    "x'=0--+",
    'z" or 5=5 or "a"="',
    '1;select 2 from "users"',
    '1 select *, 2 from users',
    "1 and [f](a->'$.b')=1",
    "x' union select 'the' from users",
  ])
    t.type(detectSqli(value), 'string', value)
})

/** Percentage of values that are detected, with other fingerprints if given. */
function rate(values: readonly string[], fingerprints: ReadonlySet<string> = sqliFingerprints): number {
  const found = values.filter((value) =>
    sqlContexts(value).some((context) => {
      const shape = sqlShape(value, context)
      return attackShape.test(shape) || fingerprints.has(sqlFingerprint(shape))
    }),
  )
  return (found.length / values.length) * 100
}

t.test('the grammars are told apart', async (t) => {
  const attacks = [...attackSentences()]
  t.ok(attacks.length > 70_000)
  t.ok(rate(attacks) >= 93, `attacks: ${rate(attacks).toFixed(2)} %`)
  const benign = [...benignSentences()]
  t.ok(benign.length > 10_000)
  t.ok(rate(benign) <= 0.5, `benign: ${rate(benign).toFixed(2)} %`)
})

t.test('any bytes are judged, in linear time', async (t) => {
  const random = seeded(31)
  const pieces = [
    "'",
    '"',
    '`',
    '/*',
    '*/',
    '--',
    '#',
    '(',
    ')',
    ',',
    ';',
    '@',
    '@@',
    '$',
    '$$',
    '$a$',
    '[',
    ']',
    '{',
    '}',
    '\\',
    '.',
    '0x',
    '1e',
    "x'",
    "q'(",
    "n'",
    '_utf8 ',
    'select ',
    'a',
    '1',
    ' ',
    '\0',
    '\xff',
    '!',
    '&&',
    '||',
    ':=',
    '<=>',
    '/*!',
  ]
  for (let round = 0; round < 10_000; round++) {
    const verdict = detectSqli(mixture(pieces, Math.floor(random() * 30), random))
    if (verdict !== false && (verdict.length < 2 || verdict.length > 8)) t.fail(verdict)
  }
  for (const piece of [
    ...pieces,
    "\\'",
    "''",
    '1,',
    '1+',
    '((',
    '/**/',
    'a.',
    '$a',
    "@'",
    '@`',
    '_a',
    'not ',
    '- ',
    "x'0",
  ]) {
    const value = piece.repeat(131_072 / piece.length)
    t.ok(growth((size) => detectSqli(value.slice(0, size)), 32_768) < 10, JSON.stringify(piece))
  }
})

const folder = corpusFolder()
if (folder === undefined) t.test('corpora', { skip: 'skipped: no data' }, async () => {})
else {
  // Lines, and the recall in percent that must at least be reached: of all, and of the file when the fingerprints are derived without it.
  const floors: Readonly<Record<string, readonly [lines: number, floor: number, heldOut: number]>> = {
    'sqli-arithmetic_variations.txt': [55, 98, 98],
    'sqli-forums.txt': [14023, 99.9, 99.8],
    'sqli-fullqueries.txt': [114, 100, 98],
    'sqli-misc.txt': [464, 98, 96],
    'sqli-mysql-implicit.txt': [125, 100, 100],
    'sqli-phpids.txt': [263, 97, 95],
    'sqli-rsalgado-bhusa2013.txt': [62, 98, 98],
    'sqli-spiderlabs-201205.txt': [9, 100, 100],
    'sqli-sqlmap-20160724.txt': [98, 100, 100],
  }

  t.test('collected attacks are detected', async (t) => {
    const files = corpusFiles(folder, 'sqli-')
    t.strictSame(files.toSorted(), Object.keys(floors))
    for (const file of files) {
      const lines = corpusLines(folder, file)
      const [count, floor, heldOut] = floors[file] ?? [0, 100, 100]
      t.equal(lines.length, count, file)
      const recall = rate(lines)
      t.ok(recall >= floor, `${file}: ${recall.toFixed(2)} % of ${count}`)
      const unseen = rate(lines, new Set(derive(folder, file)))
      t.ok(unseen >= heldOut, `${file}, held out: ${unseen.toFixed(2)} %`)
    }
  })

  t.test('collected false positives are let through', async (t) => {
    const lines = corpusLines(folder, 'false_positives.txt')
    t.equal(lines.length, 421)
    t.ok(rate(lines) <= 0.5, `${rate(lines).toFixed(2)} %`)
    const unseen = rate(lines, new Set(derive(folder, 'false_positives.txt')))
    t.ok(unseen <= 1, `held out: ${unseen.toFixed(2)} %`)
  })

  t.test('the committed fingerprints are what the corpora and grammars give', async (t) => {
    t.strictSame([...sqliFingerprints].sort(), derive(folder))
  })
}
