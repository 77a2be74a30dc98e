import fc from 'fast-check'
import t from 'tap'
import { LINEAR, growth } from './linear.js'
import type { BodyLimits, MultipartFlag, ParsedBody } from '../../../detectors/seclang/bodies/body.js'
import { isSound, json } from '../../../detectors/seclang/bodies/json.js'
import { multipart } from '../../../detectors/seclang/bodies/multipart.js'
import { isSoundForm, urlencoded } from '../../../detectors/seclang/bodies/urlencoded.js'
import { xml } from '../../../detectors/seclang/bodies/xml.js'
import { compile, judge } from './profile.js'

const LIMITS: BodyLimits = {
  arguments: 1000,
  jsonDepth: 20,
  files: 3,
  argumentSeparator: '&',
  complete: true,
}

function pairs({ args }: ParsedBody): string[] {
  return args.map(({ key, value }) => `${key}=${value}`)
}

t.test('JSON is flattened', (t) => {
  const cases: readonly (readonly [body: string, expected: readonly string[]])[] = [
    [
      '{"a":{"b":[1,"x",true,false,null]}}',
      ['json.a.b.0=1', 'json.a.b.1=x', 'json.a.b.2=true', 'json.a.b.3=false', 'json.a.b.4='],
    ],
    ['{"a":1,"a":2}', ['json.a=1', 'json.a=2']],
    ['{"<x>":{}, "y":[]}', ['json.<x>=', 'json.y=']],
    ['"plain"', ['json=plain']],
    [' -1.5e+3 ', ['json=-1.5e+3']],
    [
      '["\\u003cscript\\u003e","\\ud83d\\ude00","\\ud800"]',
      ['json.0=<script>', 'json.1=\xf0\x9f\x98\x80', 'json.2=\xef\xbf\xbd'],
    ],
    ['{"k\\n":"\\"\\\\\\/"}', ['json.k\n="\\/']],
    ['\xef\xbb\xbf{"a":"\xc3\xb6"}', ['json.a=\xc3\xb6']],
  ]
  for (const [body, expected] of cases) {
    const parsed = json(body, '', LIMITS)
    t.equal(parsed.error, '', body)
    t.same(pairs(parsed), expected, body)
  }
  t.end()
})

t.test('broken JSON is an error that keeps what was read', (t) => {
  const broken = [
    '',
    '{',
    '{"a":1',
    '{"a" 1}',
    '{a:1}',
    '[1,]',
    '{"a":1}x',
    '01',
    '1.',
    '1e',
    '-',
    'tru',
    '"a',
    '"\\x"',
    '"\\u12"',
    '["a" "b"]',
    '"a\nb"',
    '{"a":1,}',
  ]
  for (const body of broken) t.match(json(body, '', LIMITS).error, /^JSON: /, body)
  t.same(pairs(json('{"a":1,"b":', '', LIMITS)), ['json.a=1'])
  t.end()
})

t.test('JSON limits have names', (t) => {
  t.same(json('['.repeat(21), '', LIMITS).limits, ['json_depth'])
  t.same(json(`[${'1,'.repeat(1000)}1]`, '', LIMITS).limits, ['arguments'])
  t.equal(json(`[${'1,'.repeat(1000)}1]`, '', LIMITS).args.length, 1000)
  const long = `{"${'k'.repeat(20_000)}":[${'1,'.repeat(900)}1]}`
  t.same(json(long, '', LIMITS).limits, ['json_names'])
  t.end()
})

t.test('JSON agrees with JSON.parse on what is JSON', (t) => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 4 }), (text) => {
      const bytes = Buffer.from(text, 'utf8').toString('latin1')
      return json(bytes, '', { ...LIMITS, arguments: 100_000 }).error === ''
    }),
    { numRuns: 500 },
  )
  fc.assert(
    fc.property(fc.stringMatching(/^[[\]{}",:0-9a\\ eE.+-]{0,24}$/), (text) => {
      let valid = true
      try {
        JSON.parse(text)
      } catch {
        valid = false
      }
      return (json(text, '', LIMITS).error === '') === valid
    }),
    { numRuns: 3000 },
  )
  t.end()
})

t.test('a body is sound when reading it finds nothing wrong', (t) => {
  const limits = fc.record({
    arguments: fc.nat({ max: 8 }),
    jsonDepth: fc.nat({ max: 5 }),
    files: fc.constant(3),
    argumentSeparator: fc.constantFrom('&', ';'),
    complete: fc.boolean(),
  })
  const broken = fc
    .tuple(
      fc.json({ maxDepth: 4 }),
      fc.nat(),
      fc.constantFrom('', '"', ',', '\\', '\\u00e4', '\n', '}', '1e'),
    )
    .map(([text, at, piece]) => {
      const bytes = Buffer.from(text, 'utf8').toString('latin1')
      return (
        bytes.slice(0, at % (bytes.length + 1)) +
        piece +
        bytes.slice((at % (bytes.length + 1)) + piece.length)
      )
    })
  const documents = fc.oneof(
    broken,
    fc.json({ maxDepth: 4 }),
    fc.stringMatching(/^[[\]{}",:0-9a\\ eE.+-]{0,24}$/),
    fc.nat({ max: 70_000 }).map((length) => `{"${'k'.repeat(length)}":[1,2,3,4,5,6,7]}`),
  )
  fc.assert(
    fc.property(documents, limits, (text, limits) => {
      const { error } = json(text, '', limits)
      const sound = isSound(Buffer.from(text, 'latin1'), limits)
      // A body that is cut has no error where it is cut, and an escape in a name counts as long as it is written.
      return sound ? error === '' : error !== '' || !limits.complete || text.includes('\\')
    }),
    { numRuns: 5000 },
  )
  fc.assert(
    fc.property(fc.stringMatching(/^[ab=&;%0-9]{0,24}$/), limits, (text, limits) => {
      return !isSoundForm(Buffer.from(text, 'latin1'), limits) || urlencoded(text, '', limits).error === ''
    }),
    { numRuns: 3000 },
  )
  t.end()
})

const TYPE = 'multipart/form-data; boundary=X'

function parts(...blocks: readonly string[]): string {
  return blocks.map((block) => `--X\r\n${block}\r\n`).join('') + '--X--\r\n'
}

t.test('multipart fields and files', (t) => {
  const body = parts(
    'Content-Disposition: form-data; name="a"\r\n\r\none\r\ntwo',
    'Content-Disposition: form-data; name="f"; filename="x\\".php"\r\nContent-Type: text/plain\r\n\r\n<?php',
    'Content-Disposition: form-data; name=bare\r\n\r\n',
  )
  const parsed = multipart(body, TYPE, LIMITS)
  t.equal(parsed.error, '')
  t.same(pairs(parsed), ['a=one\r\ntwo', 'bare='])
  t.same(parsed.multipart?.files, [{ field: 'f', filename: 'x".php', content: '<?php' }])
  t.same(
    parsed.multipart?.partHeaders.map(({ key, value }) => `${key}|${value}`),
    [
      'a|Content-Disposition: form-data; name="a"',
      'f|Content-Disposition: form-data; name="f"; filename="x\\".php"',
      'f|Content-Type: text/plain',
      'bare|Content-Disposition: form-data; name=bare',
    ],
  )
  t.same([...(parsed.multipart?.flags ?? [])], [])
  t.end()
})

t.test('what is not strict about multipart is flagged', (t) => {
  const field = 'Content-Disposition: form-data; name="a"\r\n\r\n1'
  const good = parts(field)
  const cases: readonly (readonly [flag: MultipartFlag, body: string, type?: string])[] = [
    ['BOUNDARY_QUOTED', good, 'multipart/form-data; boundary="X"'],
    ['BOUNDARY_WHITESPACE', good, 'multipart/form-data; boundary= X'],
    ['DATA_BEFORE', `preamble\r\n${good}`],
    ['DATA_AFTER', `${good}epilogue`],
    ['HEADER_FOLDING', parts('Content-Disposition: form-data;\r\n name="a"\r\n\r\n1')],
    ['INVALID_HEADER_FOLDING', parts(` folded\r\n${field}`)],
    ['LF_LINE', good.replaceAll('\r\n', '\n')],
    ['CRLF_LF_LINES', good.replace('\r\n', '\n')],
    ['MISSING_SEMICOLON', parts('Content-Disposition: form-data name="a"\r\n\r\n1')],
    ['INVALID_QUOTING', parts("Content-Disposition: form-data; name='a'\r\n\r\n1")],
    ['INVALID_PART', parts('Content-Type: text/plain\r\n\r\n1')],
    ['UNMATCHED_BOUNDARY', parts(`${field}\r\n--Y\r\n2`)],
    [
      'FILE_LIMIT_EXCEEDED',
      parts(
        ...Array.from({ length: 4 }, () => 'Content-Disposition: form-data; name="f"; filename="f"\r\n\r\n1'),
      ),
    ],
  ]
  for (const [flag, body, type = TYPE] of cases) {
    t.ok(multipart(body, type, LIMITS).multipart?.flags.has(flag), flag)
  }
  t.notOk(multipart(good, TYPE, LIMITS).multipart?.flags.size)
  t.end()
})

t.test('multipart that cannot be read is an error', (t) => {
  const field = 'Content-Disposition: form-data; name="a"\r\n\r\n1'
  const broken: readonly (readonly [body: string, type: string])[] = [
    [parts(field), 'multipart/form-data'],
    [parts(field), 'multipart/form-data; boundary=X; boundary=Y'],
    [parts(field), 'multipart/form-data; boundary='],
    [parts(field), 'multipart/form-data; boundary=a\xffb'],
    [`--X\r\n${field}\r\n`, TYPE],
    ['', TYPE],
    [parts('Content-Disposition: form-data\r\n\r\n1'), TYPE],
    [parts('Content-Disposition: attachment; name="a"\r\n\r\n1'), TYPE],
    [parts('Content-Disposition: form-data; name="a"; name="b"\r\n\r\n1'), TYPE],
    [parts('Content-Disposition: form-data; name="a\r\n\r\n1'), TYPE],
    [
      parts('Content-Disposition: form-data; name="a"\r\nContent-Disposition: form-data; name="b"\r\n\r\n1'),
      TYPE,
    ],
    [parts('no colon\r\n\r\n1'), TYPE],
    [`--X\r\n${field}\r\n--Xmore\r\n--X--\r\n`, TYPE],
  ]
  for (const [body, type] of broken)
    t.match(multipart(body, type, LIMITS).error, /^Multipart: /, JSON.stringify(body))
  const many = parts(`${'A: b\r\n'.repeat(65)}${field}`)
  t.same(multipart(many, TYPE, LIMITS).limits, ['multipart_headers'])
  t.end()
})

t.test('a body that was cut is no error of the client', (t) => {
  const cut: BodyLimits = { ...LIMITS, complete: false }
  for (const body of ['{"a":1,"b":"x', '{"a":1,', '{"a":1,"b":tr', '{"a":1,"b":"\\u00']) {
    const parsed = json(body, '', cut)
    t.equal(parsed.error, '', body)
    t.equal(pairs(parsed)[0], 'json.a=1', body)
  }
  t.match(json('{"a" 1, "b": "long enough to be far from the end"', '', cut).error, /^JSON/)
  const upload = '--X\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\nhalf'
  const parsed = multipart(upload, TYPE, cut)
  t.equal(parsed.error, '')
  t.same(parsed.multipart?.files, [{ field: 'f', filename: 'f', content: 'half' }])
  t.equal(multipart('--X\r\nContent-Disp', TYPE, cut).error, '')
  const tree = xml('<a b="c">text<d>', '', cut)
  t.equal(tree.error, '')
  t.equal(tree.xml?.children[0], 'text')
  t.end()
})

t.test('filename* counts as a file name', (t) => {
  const body = parts(
    `Content-Disposition: form-data; name="f"; filename="a.txt"; filename*=UTF-8''b%2Ephp\r\n\r\nx`,
  )
  t.same(
    multipart(body, TYPE, LIMITS).multipart?.files.map(({ filename }) => filename),
    ['a.txt', 'b.php'],
  )
  t.end()
})

t.test('no bytes make a body processor throw', (t) => {
  const piece = fc.oneof(
    fc.constantFrom(
      '--X',
      '--X--',
      '\r\n',
      '\n',
      'Content-Disposition: form-data; name="a"',
      '; filename=',
      '"',
      '\\',
    ),
    fc.constantFrom(
      '<a',
      ' b="',
      '">',
      '</a>',
      '<![CDATA[',
      ']]>',
      '&lt;',
      '&x;',
      '<!DOCTYPE a [<!ENTITY x "y">]>',
      '<!--',
    ),
    fc.constantFrom('{', '}', '[', ']', '"k"', ':', ',', '1', '\\u00', 'null'),
    fc.string({ unit: 'binary', maxLength: 6 }).map((text) => Buffer.from(text, 'utf8').toString('latin1')),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const body = pieces.join('')
      for (const processor of [json, multipart, xml]) {
        const parsed = processor(body, TYPE, LIMITS)
        if (typeof parsed.error !== 'string') return false
      }
      return true
    }),
    { numRuns: 2000 },
  )
  t.end()
})

t.test('body processors take linear time', (t) => {
  const make: Readonly<Record<string, (n: number) => () => unknown>> = {
    'json of strings': (n) => () =>
      json(`[${'"\\u0041\\n",'.repeat(n)}1]`, '', { ...LIMITS, arguments: 1e9 }),
    'json of one long string': (n) => () => json(`"${'\\"'.repeat(n * 10)}"`, '', LIMITS),
    'multipart of lines': (n) => () => multipart(`--X\r\n\r\n${'--Xa\n'.repeat(n)}--X--`, TYPE, LIMITS),
    'multipart of parameters': (n) => () =>
      multipart(parts(`Content-Disposition: form-data${'; a="\\"'.repeat(n)}\r\n\r\n1`), TYPE, LIMITS),
    'xml of attributes': (n) => () => xml(`<a>${'<b c="&lt;d"/>'.repeat(n)}</a>`, '', LIMITS),
  }
  for (const [name, at] of Object.entries(make)) {
    const ratio = growth(at, 2000)
    t.ok(ratio < LINEAR, `${name}: ${ratio.toFixed(1)} times for 8 times the input`)
  }
  t.end()
})

const XML_RULES = `SecRule REQUEST_HEADERS:Content-Type "@contains xml" "id:100,phase:1,pass,nolog,ctl:requestBodyProcessor=XML"
SecRule REQUEST_HEADERS:Content-Type "@contains json" "id:101,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule REQBODY_ERROR "!@eq 0" "id:199,phase:2,deny,status:400"
`

function judgeXml(rules: string, body: string): readonly number[] {
  const request = { method: 'POST', headers: [['Content-Type', 'text/xml']] as const, body }
  return judge(compile(XML_RULES + rules), request).ids.filter((id) => id < 100 || id > 101)
}

t.test('XML is selected by path', (t) => {
  const body =
    '<?xml version="1.0"?><s:e xmlns:s="urn:s" a="A"><b>one<c d="D">two</c></b><b k="v"><![CDATA[<x>]]></b>\xc3\xb6</s:e>'
  const cases: readonly (readonly [target: string, value: string])[] = [
    ['XML:/*', 'onetwo<x>\xc3\xb6'],
    ['XML://@*', 'D'],
    ['XML://@d', 'D'],
    ['XML://c', 'two'],
    ['XML://b/c/text()', 'two'],
    ['XML:/*/b[2]', '<x>'],
    ["XML://b[@k='v']", '<x>'],
    ['XML://*', 'two'],
  ]
  for (const [target, value] of cases) {
    t.same(judgeXml(`SecRule ${target} "@streq ${value}" "id:1,phase:2,pass"`, body), [1], target)
  }
  t.same(judgeXml('SecRule XML:/x:e "@contains one" "id:1,phase:2,pass,xmlns:x=urn:s"', body), [1])
  t.same(judgeXml('SecRule XML:/x:e "@contains one" "id:1,phase:2,pass,xmlns:x=urn:other"', body), [])
  t.same(judgeXml('SecRule &XML "@eq 1" "id:1,phase:2,pass"', body), [1])
  t.end()
})

t.test('entities are never expanded', (t) => {
  const bomb = '<!DOCTYPE a [<!ENTITY x "evil"><!ENTITY y "&x;&x;">]><a>&y;</a>'
  t.same(judgeXml('SecRule XML:/* "@contains evil" "id:1,phase:2,pass"', bomb), [199])
  const file = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'
  t.same(judgeXml('SecRule XML:/* "@contains root:" "id:1,phase:2,pass"', file), [199])
  t.same(judgeXml('', '<a>'), [199])
  t.same(xml(`${'<a>'.repeat(300)}`, '', LIMITS).limits, ['xml_depth'])
  t.same(xml(`<a>${'<b/>'.repeat(100_001)}</a>`, '', LIMITS).limits, ['xml_nodes'])
  t.end()
})

t.test('UTF-16 XML is read as what it says', (t) => {
  const body = Buffer.from('\ufeff<a>union select</a>', 'utf16le').toString('latin1')
  t.same(judgeXml('SecRule XML:/* "@streq union select" "id:1,phase:2,pass"', body), [1])
  t.end()
})

t.test('keys and values of JSON are arguments', (t) => {
  const request = {
    method: 'POST',
    headers: [['Content-Type', 'application/json']] as const,
    body: '{"user":{"<script>":"x"},"q":["1 union select"]}',
  }
  const { ids } = judge(
    compile(
      `${XML_RULES}SecRule ARGS:json.q.0 "@contains union" "id:1,phase:2,pass"
      SecRule ARGS_NAMES "@contains <script" "id:2,phase:2,pass"
      SecRule ARGS_POST "@streq x" "id:3,phase:2,pass"`,
    ),
    request,
  )
  t.same(ids, [101, 1, 2, 3])
  t.end()
})

t.test('a body whose fields no rule reads is checked, and read for a macro that names one', (t) => {
  const rules = (message: string): string =>
    `${XML_RULES}SecAction "id:1,phase:2,pass,msg:'${message}',severity:CRITICAL"`
  const post = (type: string, body: string) => ({
    method: 'POST',
    headers: [['Content-Type', type]] as const,
    body,
  })
  const message = ({ evaluation }: ReturnType<typeof judge>): string | undefined =>
    evaluation.matches.find(({ id }) => id === 1)?.msg
  const told = rules('%{ARGS_POST.json.a} %{URLENCODED_ERROR}')
  t.equal(message(judge(compile(told), post('application/json', '{"a":"x"}'))), 'x 0')
  const form = 'application/x-www-form-urlencoded'
  t.equal(message(judge(compile(rules('%{ARGS.b} %{URLENCODED_ERROR}')), post(form, 'a=%4&b=%41'))), 'A 1')
  t.same(judge(compile(rules('told')), post('application/json', '{"a":"x"}')).ids, [101, 1])
  t.same(judge(compile(rules('told')), post('application/json', '{"a":x}')).ids, [101, 199])
  const few = `SecArgumentsLimit 2\n${rules('told')}`
  t.same(judge(compile(few), post(form, 'a&b')).ids, [1])
  const { ids, tx } = judge(compile(few), post(form, 'a&b&c'))
  t.same(ids, [199])
  t.same(tx.truncated, ['arguments'])
  t.same(judge(compile(`SecRequestBodyNoFilesLimit 2\n${rules('told')}`), post(form, 'a&b')).ids, [199])
  t.end()
})
