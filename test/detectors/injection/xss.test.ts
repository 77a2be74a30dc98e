import t from 'tap'
import { benignSentences } from '../../../detectors/injection/benign-grammar.js'
import { detectXss } from '../../../detectors/injection/index.js'
import { growth, mixture, seeded } from '../seclang/work.js'
import { corpusFiles, corpusFolder, corpusLines } from './corpus.js'

t.test('attacks are seen in each context', async (t) => {
  for (const value of [
    '<script>alert(1)</script>',
    '<ScRiPt',
    '<img src=x onerror=alert(1)>',
    '" onmouseover="alert(1)',
    "' onfocus='alert(1)",
    'x onclick=alert(1)',
    '<a href="javascript:alert(1)">',
    '<a href="jav&#x09;ascript:alert(1)">',
    '<a href=" &#106;avascript:alert(1)">',
    '<svg/onload=alert(1)>',
    '<s\0cript>',
    '<iframe src=//x>',
    '<div style="x:expression(1)">',
    '<x xmlns:xlink=1>',
    '</p><script>',
    '<!--[if IE]><script>',
    '<?xml version="1.0"?>',
    '<!DOCTYPE html [',
    '`onerror=alert(1)',
    '<form><button formaction=javascript:alert(1)>',
    '<set attributename=onload to=x>',
    '<t:set attributename=innerhtml to=x>',
    '<b title="<svg onload=x>">',
    '<! x="y"><z a=\'><img src=q onerror=f()>\'>',
    '<q onerror/=f()>',
    '<body onload!#$%&()*~=f()>',
    '</p style=width:expression(f())>',
    '<scr<script>ipt>',
    '<hr size="&{f()}">',
    'javascript:a=f,a(1)',
    'data:text/html;base64,YWJj',
    '<!--#exec cmd="ls"-->',
    'onerror=f()>',
  ])
    t.ok(detectXss(value), value)
})

t.test('everyday values are not', async (t) => {
  const benign = [...benignSentences()]
  t.ok(benign.length > 10_000)
  t.strictSame(benign.filter(detectXss), [])
  for (const value of [
    '',
    'a < b',
    '<3',
    '<b>bold</b>',
    '<a href="https://example.com/?a=b">x</a>',
    'online=1',
    'this is not an XSS',
    'x <y> z',
    '1<2 and 3>2',
    'if (a<b) return',
    'e-mail <tom@example.com>',
    'const onMatch = (a) => b',
    'onsale=true',
    'data: function (key, value) {}',
    '<p title="a < b">c</p>',
    'Hello <Name>, <%= total %>',
  ])
    t.notOk(detectXss(value), value)
})

t.test('any bytes are judged, in linear time', async (t) => {
  const random = seeded(41)
  const pieces = [
    '<',
    '>',
    '</',
    '<!',
    '<!--',
    '-->',
    '--',
    '<?',
    '<%',
    '=',
    '"',
    "'",
    '`',
    '/',
    ' ',
    '\0',
    'a',
    'on',
    'onx=',
    'style=',
    'href=',
    'javascript:',
    '&#',
    '&#x6a;',
    '&colon;',
    '\xff',
    '<a ',
    '\n',
  ]
  for (let round = 0; round < 3000; round++)
    t.type(detectXss(mixture(pieces, Math.floor(random() * 40), random)), 'boolean')
  for (const piece of [
    ...pieces,
    '<a b=c ',
    '<a b="',
    "<a b='",
    '</a',
    '<!----',
    '&#0',
    'a=b ',
    '<<',
    '\0\0',
  ]) {
    const value = piece.repeat(131_072 / piece.length)
    t.ok(growth((size) => detectXss(value.slice(0, size)), 32_768) < 10, JSON.stringify(piece))
  }
})

const folder = corpusFolder()
if (folder === undefined) t.test('corpora', { skip: 'skipped: no data' }, async () => {})
else {
  const floors: Readonly<Record<string, readonly [lines: number, floor: number]>> = {
    'xss-html5secorg.txt': [235, 100],
    'xss-owasp-cheatsheet-20131120.txt': [77, 100],
    'xss-smoke-test.txt': [26, 100],
  }

  t.test('collected attacks are detected', async (t) => {
    const files = corpusFiles(folder, 'xss-')
    t.strictSame(files.toSorted(), Object.keys(floors))
    for (const file of files) {
      const lines = corpusLines(folder, file)
      const [count, floor] = floors[file] ?? [0, 100]
      t.equal(lines.length, count, file)
      const recall = (lines.filter(detectXss).length / lines.length) * 100
      t.ok(recall >= floor, `${file}: ${recall.toFixed(2)} % of ${count}`)
    }
  })

  t.test('collected false positives are let through', async (t) => {
    t.strictSame(corpusLines(folder, 'false_positives.txt').filter(detectXss), [])
  })
}
