import fc from 'fast-check'
import type { ProfileRequest } from '../profile.js'

/** What values and patterns are made of, so that they meet now and then. */
const WORDS = [
  'a',
  'ab',
  'abc',
  'select',
  'UNION',
  'select 1',
  '<b>',
  'alert(',
  '1',
  '10',
  '%41',
  '+',
  "'",
  ' or ',
  '..',
  '/',
  '\\x41',
  '&lt;',
  '\0',
  '\xe9',
  '  ',
  '/*x*/',
  '-- ',
  'foo=bar',
  '{"a":',
  ';',
]

const text = fc.array(fc.constantFrom(...WORDS), { maxLength: 5 }).map((parts) => parts.join(''))
const name = fc.constantFrom('a', 'b', 'id', 'A', 'name', 'x.y', 'q[]')
const pairs = (separator: string, encode: (value: string) => string): fc.Arbitrary<string> =>
  fc
    .array(fc.tuple(name, text), { maxLength: 4 })
    .map((list) => list.map(([key, value]) => `${key}=${encode(value)}`).join(separator))

const form = pairs('&', (value) => value.replaceAll('&', '%26'))
const bodies: fc.Arbitrary<{ type: string; body: string }> = fc.oneof(
  form.map((body) => ({ type: 'application/x-www-form-urlencoded', body })),
  fc
    .array(fc.tuple(name, text), { maxLength: 4 })
    .map((list) => ({ type: 'application/json', body: JSON.stringify(Object.fromEntries(list)) })),
  text.map((body) => ({ type: 'application/json', body })),
  fc.tuple(name, text).map(([key, value]) => ({
    type: 'multipart/form-data; boundary=x',
    body: `--x\r\nContent-Disposition: form-data; name="${key}"; filename="a.txt"\r\n\r\n${value}\r\n--x\r\nContent-Disposition: form-data; name="b"\r\n\r\n${value}\r\n--x--\r\n`,
  })),
  text.map((value) => ({
    type: 'text/xml',
    body: `<r a="1"><i>${value.replace(/[<&\0]/g, '')}</i></r>`,
  })),
  text.map((body) => ({ type: 'text/plain', body })),
)

export const requests: fc.Arbitrary<ProfileRequest> = fc
  .record({
    method: fc.constantFrom('GET', 'POST', 'PUT'),
    path: fc.constantFrom('/', '/abc', '/a/../b.php', '/%61%2e'),
    query: form,
    agent: text,
    accept: text,
    cookie: pairs('; ', (value) => value.replaceAll(';', '')),
    content: fc.option(bodies, { nil: undefined }),
    answer: fc.option(text, { nil: undefined }),
  })
  .map(({ method, path, query, agent, accept, cookie, content, answer }) => ({
    method,
    target: query === '' ? path : `${path}?${query}`,
    headers: [
      ['Host', 'shop.example'],
      ['User-Agent', agent],
      ['Accept', accept],
      ...(cookie === '' ? [] : [['Cookie', cookie] as const]),
      ...(content === undefined ? [] : [['Content-Type', content.type] as const]),
    ],
    ...(content === undefined ? {} : { body: content.body }),
    ...(answer === undefined
      ? {}
      : { response: { status: 200, headers: [['Content-Type', 'text/html']], body: answer } }),
  }))

const READS = [
  'ARGS',
  'ARGS_NAMES',
  'ARGS:a',
  'ARGS:/^[ab]/',
  '&ARGS',
  '&ARGS:a',
  'ARGS_GET',
  'ARGS_POST',
  'ARGS_GET_NAMES',
  'REQUEST_COOKIES',
  'REQUEST_COOKIES_NAMES',
  'REQUEST_HEADERS',
  'REQUEST_HEADERS:User-Agent',
  'REQUEST_HEADERS:accept',
  'REQUEST_HEADERS_NAMES',
  'REQUEST_URI',
  'REQUEST_URI_RAW',
  'REQUEST_LINE',
  'REQUEST_FILENAME',
  'REQUEST_METHOD',
  'QUERY_STRING',
  'REQUEST_BODY',
  'REQBODY_PROCESSOR',
  'FILES',
  'FILES_NAMES',
  'FILES_TMP_CONTENT',
  'MULTIPART_PART_HEADERS',
  'XML:/*',
  'XML://@*',
  'TX',
  'TX:x',
  'TX:1',
  'TX:/^[xy]/',
  '&TX:x',
  'MATCHED_VAR',
  'MATCHED_VARS',
  'MATCHED_VARS_NAMES',
  'RULE:id',
  'HIGHEST_SEVERITY',
  'RESPONSE_BODY',
  'RESPONSE_STATUS',
  'RESPONSE_HEADERS',
  'ARGS_COMBINED_SIZE',
]
const EXCLUDED = [
  '!ARGS:b',
  '!ARGS:/^n/',
  '!REQUEST_HEADERS:Host',
  '!REQUEST_HEADERS:user-agent',
  '!REQUEST_COOKIES',
  '!REQUEST_COOKIES:a',
]
const OPERATORS = [
  '@rx ab',
  '@rx (?i)(select|union)\\s+\\d',
  '@rx ^\\d+$',
  '!@rx ^[a-z]*$',
  '@rx (a)(b)?',
  '@rx <[a-z]',
  '@rx (a+)b\\1',
  '@rx %{TX.x}',
  '@rx ^[^ ]{6,}$',
  '@rx ^[a-z]+$',
  '@pm select foo <b',
  '!@pm a b',
  '@contains abc',
  '@contains %{TX.x}',
  '@containsWord select',
  '@streq a',
  '!@streq a',
  '@streq %{TX.y}',
  '@beginsWith ab',
  '@endsWith 1',
  '@eq 0',
  '@eq 1',
  '!@eq 1',
  '@gt 1',
  '@lt 2',
  '@ge %{TX.x}',
  '@within a ab abc GET',
  '!@within GET POST',
  '@detectSQLi',
  '@detectXSS',
  '@validateByteRange 32-126',
  '!@validateByteRange 97-122',
  '@validateUrlEncoding',
  '@unconditionalMatch',
  '@noMatch',
  '@rxGlobal a(b)',
]
const TRANSFORMATIONS = [
  'lowercase',
  'uppercase',
  'urlDecode',
  'urlDecodeUni',
  'htmlEntityDecode',
  'jsDecode',
  'removeNulls',
  'replaceComments',
  'removeComments',
  'compressWhitespace',
  'removeWhitespace',
  'normalisePath',
  'cmdLine',
  'utf8toUnicode',
  'base64Decode',
  'length',
  'trim',
  'cssDecode',
  'escapeSeqDecode',
  'hexEncode',
  'sqlHexDecode',
  'phpArgsNames',
]
const EFFECTS = [
  'setvar:tx.x=+1',
  'setvar:tx.x=-1',
  'setvar:tx.y=%{MATCHED_VAR}',
  'setvar:tx.z_%{MATCHED_VAR_NAME}=1',
  'setvar:!tx.x',
  'capture',
  'multiMatch',
  'ctl:ruleRemoveById=3',
  'ctl:ruleRemoveById=4-6',
  'ctl:ruleRemoveByTag=t1',
  'ctl:ruleRemoveTargetById=5;ARGS:a',
  'ctl:ruleRemoveTargetByTag=t1;REQUEST_HEADERS',
  'ctl:requestBodyProcessor=JSON',
  'ctl:requestBodyProcessor=XML',
  'ctl:requestBodyProcessor=URLENCODED',
  'ctl:forceRequestBodyVariable=On',
  'ctl:responseBodyAccess=Off',
  'ctl:responseBodyAccess=On',
  'ctl:ruleEngine=DetectionOnly',
  'ctl:auditEngine=Off',
  'setenv:e=%{TX.x}',
]
const DISRUPTIVE = [
  'pass',
  'pass',
  'pass',
  'pass',
  'pass',
  'deny',
  'block',
  'drop',
  'allow',
  'allow:phase',
  'allow:request',
  'deny,status:406',
  'redirect:/x?%{TX.x}',
]
const FLOW = ['skip:1', 'skip:2', 'skipAfter:M1', 'skipAfter:M2', 'skipAfter:4', 'skipAfter:NONE']

const link = fc.record({
  reads: fc.uniqueArray(fc.constantFrom(...READS), { minLength: 1, maxLength: 4 }),
  excluded: fc.uniqueArray(fc.constantFrom(...EXCLUDED), { maxLength: 2 }),
  operator: fc.constantFrom(...OPERATORS),
  transformations: fc.array(fc.constantFrom(...TRANSFORMATIONS), { maxLength: 4 }),
  effects: fc.uniqueArray(fc.constantFrom(...EFFECTS), { maxLength: 2 }),
})

const rule = fc.record({
  links: fc.array(link, { minLength: 1, maxLength: 3 }),
  phase: fc.constantFrom(1, 2, 2, 2, 3, 4, 5),
  disruptive: fc.constantFrom(...DISRUPTIVE),
  flow: fc.option(fc.constantFrom(...FLOW), { nil: undefined, freq: 3 }),
  log: fc.constantFrom('log', 'nolog'),
  tag: fc.constantFrom('t1', 't2', 't%{TX.x}'),
  severity: fc.option(fc.constantFrom('CRITICAL', 'NOTICE'), { nil: undefined }),
  marker: fc.option(fc.constantFrom('M1', 'M2'), { nil: undefined, freq: 3 }),
})

function written(
  { links, phase, disruptive, flow, log, tag, severity, marker }: RuleParts,
  index: number,
): string {
  const lines = links.map(({ reads, excluded, operator, transformations, effects }, at) => {
    const own = [
      ...(at === 0
        ? [
            `id:${index + 1}`,
            `phase:${phase}`,
            disruptive,
            log,
            `tag:'${tag}'`,
            "msg:'m %{TX.1}'",
            "logdata:'%{MATCHED_VAR_NAME} %{MATCHED_VAR}'",
          ]
        : []),
      ...(at === 0 && severity !== undefined ? [`severity:${severity}`] : []),
      ...(at === 0 && flow !== undefined ? [flow] : []),
      't:none',
      ...transformations.map((each) => `t:${each}`),
      ...effects,
      ...(at < links.length - 1 ? ['chain'] : []),
    ]
    return `SecRule ${[...reads, ...excluded].join('|')} "${operator}" "${own.join(',')}"`
  })
  return [...lines, ...(marker === undefined ? [] : [`SecMarker ${marker}`])].join('\n')
}

type RuleParts = typeof rule extends fc.Arbitrary<infer Parts> ? Parts : never

/** Text of rule sets in which everything of the language that a plan has to respect comes together. */
export const ruleSets: fc.Arbitrary<string> = fc
  .array(rule, { minLength: 1, maxLength: 10 })
  .map((rules) =>
    ['SecRequestBodyAccess On', 'SecResponseBodyAccess On', ...rules.map(written), ''].join('\n'),
  )
