import fc from 'fast-check'
import { ATOMS, randomPattern } from '../pcre/random-pattern.js'
import { seeded } from '../work.js'

const READS = [
  'ARGS',
  'ARGS_NAMES',
  'ARGS:a',
  'ARGS:/^[ab]/',
  'ARGS:/^(?>a|ab)/',
  'ARGS:\xe9',
  '&ARGS',
  '&ARGS:a',
  'ARGS_GET',
  'ARGS_POST',
  'ARGS_GET_NAMES',
  'ARGS_GET:b',
  'ARGS_POST_NAMES',
  'ARGS_NAMES:a',
  '&ARGS_NAMES',
  'REQUEST_COOKIES',
  'REQUEST_COOKIES_NAMES',
  'REQUEST_COOKIES:a',
  'REQUEST_COOKIES:/^[an]/',
  '&REQUEST_COOKIES:a',
  'REQUEST_HEADERS',
  'REQUEST_HEADERS:User-Agent',
  'REQUEST_HEADERS:accept',
  'REQUEST_HEADERS_NAMES',
  'REQUEST_HEADERS:X-Extra',
  '&REQUEST_HEADERS:x-extra',
  'REQUEST_HEADERS:/^x/',
  'REQUEST_URI',
  'REQUEST_URI_RAW',
  'REQUEST_LINE',
  'REQUEST_FILENAME',
  'REQUEST_METHOD',
  'REQUEST_PROTOCOL',
  'REQUEST_BASENAME',
  'PATH_INFO',
  'FULL_REQUEST',
  'QUERY_STRING',
  'REQUEST_BODY',
  'REQBODY_PROCESSOR',
  'REQBODY_ERROR',
  'REQUEST_BODY_LENGTH',
  'FILES',
  'FILES_NAMES',
  'FILES_TMP_CONTENT',
  'MULTIPART_PART_HEADERS',
  'MULTIPART_PART_HEADERS:b',
  'MULTIPART_NAME',
  'MULTIPART_FILENAME',
  'XML',
  'XML:/r/i',
  'XML:/*',
  'XML://@*',
  'TX',
  'TX:x',
  'TX:1',
  'TX:/^[xy]/',
  '&TX:x',
  '&TX',
  '&TX:/^[xy]/',
  'TX:z_ARGS:a',
  'IP:x',
  'ENV:e',
  'GLOBAL',
  'MATCHED_VAR',
  'MATCHED_VARS',
  'MATCHED_VARS_NAMES',
  'MATCHED_VAR_NAME',
  '&MATCHED_VARS',
  'MATCHED_VARS:ARGS:a',
  'RULE:id',
  'HIGHEST_SEVERITY',
  'RESPONSE_BODY',
  'RESPONSE_STATUS',
  'RESPONSE_HEADERS',
  'RESPONSE_HEADERS:x-extra',
  'RESPONSE_HEADERS_NAMES',
  'MSC_PCRE_LIMITS_EXCEEDED',
  'URLENCODED_ERROR',
  'ARGS_COMBINED_SIZE',
]
const EXCLUDED = [
  '!ARGS',
  '!ARGS:b',
  '!ARGS_NAMES:a',
  '!ARGS_GET:b',
  '!ARGS:\xc9',
  '!ARGS:/^n/',
  '!REQUEST_HEADERS:Host',
  '!REQUEST_HEADERS:user-agent',
  '!REQUEST_COOKIES',
  '!REQUEST_COOKIES:a',
  '!REQUEST_COOKIES:/^[an]/',
  '!REQUEST_HEADERS:/extra/',
  '!XML:/*',
  '!TX:x',
  '!FILES:a',
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
  '@rx ^$',
  '@rx a|',
  '@rx (?s)a.b(?i)C',
  '@rx (?m)^ab$',
  '@rx (?:abc){0}b',
  '@rx (?<!s)elect(?= 1)',
  '@rx (?i)\\x{53}ELECT|\\Q1 \\E',
  '@rx [^[:alnum:]]{2}',
  '!@rx (.)\\1',
  '!@rx (?>a|ab)c',
  '!@rxGlobal a(b)?',
  '@rx %{MATCHED_VAR}',
  '@pm select foo <b',
  '!@pm a b',
  '@pm ab a A ab abc',
  '@pm |00| |e9|',
  '@contains abc',
  '@contains %{TX.x}',
  '@contains ',
  '@strmatch %41',
  '@containsWord select',
  '@streq a',
  '!@streq a',
  '@streq %{TX.y}',
  '@streq %{TX.1}',
  '@beginsWith ab',
  '!@beginsWith %{TX.y}',
  '@beginsWith \xe9',
  '@endsWith 1',
  '!@endsWith a',
  '@eq 0',
  '@eq 1',
  '!@eq 1',
  '@eq ab',
  '@eq %{TX.0}',
  '@le -1',
  '@gt 1',
  '@lt 2',
  '@ge %{TX.x}',
  '@within a ab abc GET',
  '!@within GET POST',
  '@within %{TX.y}',
  '@within ',
  '@detectSQLi',
  '!@detectSQLi',
  '@detectXSS',
  '!@detectXSS',
  '@validateByteRange 32-126',
  '!@validateByteRange 97-122',
  '@validateUrlEncoding',
  '@validateUtf8Encoding',
  '!@validateUtf8Encoding',
  '@ipMatch 192.0.2.0/24',
  '@verifyCC \\d{1,2}',
  '@unconditionalMatch',
  '@noMatch',
  '@rxGlobal a(b)',
  '@rxGlobal (.)\\1',
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
  'none',
  'replaceNulls',
  'removeCommentsChar',
  'normalisePathWin',
  'hexDecode',
  'urlEncode',
  'trimLeft',
  'parityZero7bit',
  'md5',
]
const EFFECTS = [
  'setvar:tx.x=+1',
  'setvar:tx.x=-1',
  'setvar:tx.y=%{MATCHED_VAR}',
  'setvar:tx.z_%{MATCHED_VAR_NAME}=1',
  'setvar:!tx.x',
  'setvar:tx.1=%{RULE.id}',
  'setvar:tx.p=+1',
  'setvar:tx.p_%{MATCHED_VAR}=1',
  'ctl:ruleRemoveTargetById=1-9;TX:p',
  'setvar:ip.x=+1',
  'initcol:ip=%{REMOTE_ADDR}',
  'capture',
  'multiMatch',
  'ctl:ruleRemoveById=3',
  'ctl:ruleRemoveById=4-6',
  'ctl:ruleRemoveByTag=t1',
  'ctl:ruleRemoveByMsg=m2',
  'ctl:ruleRemoveTargetById=5;ARGS:a',
  'ctl:ruleRemoveTargetById=1-9;ARGS_NAMES',
  'ctl:ruleRemoveTargetById=1-9;REQUEST_COOKIES:/^a/',
  'ctl:ruleRemoveTargetById=2-4;TX:x',
  'ctl:ruleRemoveTargetByTag=t1;REQUEST_HEADERS',
  'ctl:ruleRemoveTargetByTag=t;ARGS:b',
  'ctl:ruleRemoveTargetByMsg=m;XML:/*',
  'ctl:requestBodyProcessor=JSON',
  'ctl:requestBodyProcessor=XML',
  'ctl:requestBodyProcessor=URLENCODED',
  'ctl:forceRequestBodyVariable=On',
  'ctl:responseBodyAccess=Off',
  'ctl:responseBodyAccess=On',
  'ctl:ruleEngine=DetectionOnly',
  'ctl:ruleEngine=On',
  'ctl:requestBodyAccess=Off',
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

/** How rules ask for settings and scores, and set them. */
const PLAIN = [
  'TX:x "@eq 0"',
  'TX:x "!@eq 0"',
  'TX:x "@ge 1"',
  'TX:x "@lt 2"',
  'TX:y "@streq ab"',
  'TX:1 "@streq a"',
  '&TX:x "@eq 0"',
  '&TX:x "!@eq 0"',
  'TX:x|!TX:x "@eq 0"',
]

/** Patterns without quotes, for they stand between some. */
const atoms = [...ATOMS.filter((atom) => atom !== ' '), '1', 'select', '']
const patterns = fc.nat().map((seed) => `@rx ${randomPattern(seeded(seed), 3, atoms)}`)
const operators = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...OPERATORS) }, patterns)

const reads = fc.record({
  all: fc.uniqueArray(fc.constantFrom(...READS), { minLength: 1, maxLength: 4 }),
  excluded: fc.uniqueArray(fc.constantFrom(...EXCLUDED), { maxLength: 2 }),
})
const conditions = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .tuple(reads, operators)
      .map(([{ all, excluded }, operator]) => `SecRule ${[...all, ...excluded].join('|')} "${operator}"`),
  },
  { weight: 1, arbitrary: fc.constantFrom(...PLAIN).map((plain) => `SecRule ${plain}`) },
  { weight: 1, arbitrary: fc.constant('SecAction') },
)

const link = fc.record({
  condition: conditions,
  transformations: fc.array(fc.constantFrom(...TRANSFORMATIONS), { maxLength: 4 }),
  effects: fc.uniqueArray(fc.constantFrom(...EFFECTS), { maxLength: 2 }),
})

/** Rules with which a set keeps its books: what they find and write is often known before there is a request. */
const books = fc.record({
  links: fc.tuple(
    fc.record({
      condition: fc.constantFrom(
        'SecAction',
        'SecAction',
        'SecRule TX:p "@lt 2"',
        'SecRule TX:P "@ge %{tx.q}"',
        'SecRule TX:q "!@streq %{TX.p}"',
        'SecRule &TX:q "@eq 0"',
        'SecRule TX:p_1 "@eq 1"',
        'SecRule TX:x "@eq 0"',
      ),
      transformations: fc.constantFrom([], [], ['none']),
      effects: fc.uniqueArray(
        fc.constantFrom(
          'setvar:tx.p=1',
          'setvar:tx.p=+%{TX.q}',
          'setvar:TX.Q=-2',
          'setvar:tx.p_%{tx.p}=1',
          'setvar:!tx.p',
          'setvar:tx.q=%{TX.x}',
          'setvar:tx.p_%{MATCHED_VAR}=%{RULE.id}',
        ),
        { maxLength: 3 },
      ),
    }),
  ),
  phase: fc.constantFrom(1, 1, 2, 3, 4, 5),
  disruptive: fc.constantFrom('pass', 'pass', 'pass', 'pass', 'allow:phase'),
  flow: fc.option(fc.constantFrom(...FLOW), { nil: undefined, freq: 3 }),
  log: fc.constant('nolog'),
  story: fc.constant("msg:'m2'"),
  tag: fc.constantFrom('t1', 't2'),
  severity: fc.constant(undefined),
  marker: fc.option(fc.constantFrom('M1', 'M2'), { nil: undefined, freq: 3 }),
})

/** Chains that list what requests have in common in `TX`, and look at the lists. */
const lists = fc.record({
  links: fc.tuple(
    fc.record({
      condition: fc
        .tuple(
          fc.constantFrom('ARGS_NAMES', 'REQUEST_HEADERS_NAMES', 'REQUEST_COOKIES_NAMES', 'REQUEST_METHOD'),
          fc.constantFrom(
            '@rx ^.*$',
            '@rx (a)|(b)(c)?',
            '@rx (a*)b\\1',
            '@pm a id host',
            '!@rx ^(x)',
            '@streq a',
          ),
        )
        .map(([variable, operator]) => `SecRule ${variable} "${operator}"`),
      transformations: fc.constantFrom([], ['lowercase'], ['length']),
      effects: fc.uniqueArray(
        fc.constantFrom(
          'capture',
          'capture',
          'setvar:tx.list_%{tx.0}=/%{TX.1}/',
          'setvar:tx.List_%{tx.1}=%{tx.0}',
          'setvar:tx.2=two',
          'setvar:tx.list=1',
          'setvar:tx.p=%{tx.0}',
        ),
        { minLength: 1, maxLength: 4 },
      ),
    }),
    fc.record({
      condition: fc.constantFrom(
        'SecRule TX:/^list_/ "@within %{tx.list} /a/ //"',
        'SecRule TX:/^list_A/ "@rx a"',
        'SecRule &TX:/^LIST/ "@ge 2"',
        'SecRule TX:2 "@streq c"',
      ),
      transformations: fc.constantFrom([], ['lowercase']),
      effects: fc.constantFrom([], ['setvar:tx.x=+1'], ['setvar:tx.list_a=0']),
    }),
  ),
  phase: fc.constantFrom(1, 2, 5),
  disruptive: fc.constant('pass'),
  flow: fc.constant(undefined),
  log: fc.constantFrom('log', 'nolog'),
  story: fc.constantFrom("msg:'m %{TX.1}',logdata:'%{MATCHED_VAR_NAME} %{MATCHED_VAR}'", "msg:'m2'"),
  tag: fc.constantFrom('t1', 't2'),
  severity: fc.constant(undefined),
  marker: fc.constant(undefined),
})

const rule = fc.record({
  links: fc.array(link, { minLength: 1, maxLength: 3 }),
  phase: fc.constantFrom(1, 2, 2, 2, 3, 4, 5),
  disruptive: fc.constantFrom(...DISRUPTIVE),
  flow: fc.option(fc.constantFrom(...FLOW), { nil: undefined, freq: 3 }),
  log: fc.constantFrom('log', 'nolog'),
  story: fc.constantFrom("msg:'m %{TX.1}',logdata:'%{MATCHED_VAR_NAME} %{MATCHED_VAR}'", "msg:'m2'"),
  tag: fc.constantFrom('t1', 't2', 't%{TX.x}'),
  severity: fc.option(fc.constantFrom('CRITICAL', 'NOTICE'), { nil: undefined }),
  marker: fc.option(fc.constantFrom('M1', 'M2'), { nil: undefined, freq: 3 }),
})

function written(
  { links, phase, disruptive, flow, log, story, tag, severity, marker }: RuleParts,
  index: number,
): string {
  const lines = links.map(({ condition, transformations, effects }, at) => {
    const own = [
      ...(at === 0 ? [`id:${index + 1}`, `phase:${phase}`, disruptive, log, `tag:'${tag}'`, story] : []),
      ...(at === 0 && severity !== undefined ? [`severity:${severity}`] : []),
      ...(at === 0 && flow !== undefined ? [flow] : []),
      ...transformations.map((each) => `t:${each}`),
      ...effects,
      ...(at < links.length - 1 ? ['chain'] : []),
    ]
    return `${condition} "${own.join(',')}"`
  })
  return [...lines, ...(marker === undefined ? [] : [`SecMarker ${marker}`])].join('\n')
}

type PartsOf<Rules> = Rules extends fc.Arbitrary<infer Parts> ? Parts : never
type RuleParts = PartsOf<typeof rule | typeof books | typeof lists>

/** What stands before the rules, and what changes them afterwards. */
const SETTINGS = [
  'SecArgumentsLimit 2',
  'SecDefaultAction "phase:2,deny,log,t:lowercase"',
  'SecDefaultAction "phase:1,pass,nolog,t:urlDecode,status:409"',
  'SecRuleEngine DetectionOnly',
  'SecCollectionTimeout 0',
]
const UPDATES = [
  'SecRuleUpdateTargetById 1-3 "!ARGS:a"',
  'SecRuleUpdateTargetById 2 "REQUEST_BODY|!REQUEST_COOKIES:/^a/"',
  'SecRuleUpdateTargetByTag t1 "!REQUEST_HEADERS:accept"',
  'SecRuleUpdateTargetById 4 "ARGS_NAMES" "ARGS"',
  'SecRuleUpdateActionById 1 "pass,t:uppercase,multiMatch"',
  'SecRuleUpdateActionById 2 "deny,nolog,setvar:tx.x=+2"',
  'SecRuleRemoveById 3',
]

/** Text of rule sets in which everything of the language that a plan has to respect comes together. */
export const ruleSets: fc.Arbitrary<string> = fc
  .tuple(
    fc.uniqueArray(fc.constantFrom(...SETTINGS), { maxLength: 2 }),
    fc.array(
      fc.oneof(
        { weight: 4, arbitrary: rule },
        { weight: 2, arbitrary: books },
        { weight: 1, arbitrary: lists },
      ),
      { minLength: 1, maxLength: 14 },
    ),
    fc.uniqueArray(fc.constantFrom(...UPDATES), { maxLength: 2 }),
  )
  .map(([settings, rules, updates]) =>
    [
      'SecRequestBodyAccess On',
      'SecResponseBodyAccess On',
      ...settings,
      ...rules.map(written),
      ...updates,
      '',
    ].join('\n'),
  )
