import type { HeaderList } from '../../../detectors/request.js'
import { type Profile, runProfiles } from './profile-cases.js'
import { form } from './profile.js'

const headers: HeaderList = [
  ['Host', 'shop.example:8443'],
  ['User-Agent', 'Probe/1.0'],
  ['Cookie', 'sid=abc; theme=dark; empty='],
  ['Authorization', 'Basic YWxpY2U6c2VjcmV0'],
  ['X-Trace', 'one'],
  ['X-Trace', 'two'],
]

/** A rule that matches when the variable has exactly this value. */
function is(variable: string, value: string, phase = 2): string {
  return `SecRule ${variable} "@streq ${value}" "id:1,phase:${phase},pass"`
}

const get = { target: '/a/b%20c/page.php?id=1&name=J%c3%b6rg+X&id=2#frag', headers, client: '203.0.113.9' }
const absolute = { target: 'http://other.example/x?y=1', headers }
const post = form('a=1&b=two%20words', '/form?a=q')
const response = {
  ...get,
  response: { status: 404, headers: [['Content-Type', 'text/html']] as HeaderList, body: 'gone' },
}

const scalars: readonly (readonly [
  variable: string,
  value: string,
  request?: typeof get | typeof post,
  phase?: number,
])[] = [
  ['REQUEST_METHOD', 'GET'],
  ['REQUEST_PROTOCOL', 'HTTP/1.1'],
  ['REQUEST_URI', '/a/b%20c/page.php?id=1&name=J%c3%b6rg+X&id=2'],
  ['REQUEST_URI_RAW', '/a/b%20c/page.php?id=1&name=J%c3%b6rg+X&id=2#frag'],
  ['REQUEST_LINE', 'GET http://other.example/x?y=1 HTTP/1.1', absolute],
  ['REQUEST_URI', '/x?y=1', absolute],
  ['REQUEST_FILENAME', '/a/b c/page.php'],
  ['REQUEST_BASENAME', 'page.php'],
  ['QUERY_STRING', 'id=1&name=J%c3%b6rg+X&id=2'],
  ['ARGS:name', 'J\xc3\xb6rg X'],
  ['ARGS:NAME', 'J\xc3\xb6rg X'],
  ['&ARGS', '3'],
  ['&ARGS:id', '2'],
  ['&ARGS:/^(id|name)$/', '3'],
  ['&ARGS:missing', '0'],
  ['ARGS_NAMES', 'name'],
  ['ARGS_COMBINED_SIZE', '17'],
  ['ARGS_GET:a', 'q', post],
  ['ARGS_POST:a', '1', post],
  ['ARGS_POST:b', 'two words', post],
  ['&ARGS:a', '2', post],
  ['ARGS_POST_NAMES:b', 'b', post],
  ['REQUEST_BODY', 'a=1&b=two%20words', post],
  ['REQUEST_BODY_LENGTH', '17', post],
  ['REQBODY_PROCESSOR', 'URLENCODED', post],
  ['REQBODY_ERROR', '0', post],
  ['REQUEST_HEADERS:user-agent', 'Probe/1.0'],
  ['&REQUEST_HEADERS:X-Trace', '2'],
  ['REQUEST_HEADERS_NAMES', 'X-Trace'],
  ['REQUEST_COOKIES:theme', 'dark'],
  ['REQUEST_COOKIES_NAMES', 'empty'],
  ['&REQUEST_COOKIES', '3'],
  ['REMOTE_ADDR', '203.0.113.9'],
  ['REMOTE_PORT', '40123'],
  ['REMOTE_USER', 'alice'],
  ['AUTH_TYPE', 'Basic'],
  ['SERVER_NAME', 'shop.example'],
  ['SERVER_ADDR', '198.51.100.1'],
  ['SERVER_PORT', '8080'],
  ['UNIQUE_ID', '018d0000-0000-7000-8000-000000000001'],
  ['TIME_EPOCH', '1709210096'],
  ['TIME_YEAR', '2024'],
  ['HIGHEST_SEVERITY', '255'],
  ['RULE:id', '1'],
  ['RESPONSE_STATUS', '404', response, 3],
  ['RESPONSE_HEADERS:content-type', 'text/html', response, 3],
  ['RESPONSE_HEADERS_NAMES', 'Content-Type', response, 3],
  ['RESPONSE_CONTENT_TYPE', 'text/html', response, 3],
  ['RESPONSE_PROTOCOL', 'HTTP/1.1', response, 3],
]

const profiles: readonly Profile[] = [
  ...scalars.map(([variable, value, request = get, phase = 2]) => ({
    name: `${variable} is ${JSON.stringify(value)}`,
    rules: is(variable, value, phase),
    request,
    hits: [1],
  })),
  {
    name: 'RESPONSE_BODY needs SecResponseBodyAccess',
    rules: is('RESPONSE_BODY', 'gone', 4),
    request: response,
    hits: [],
  },
  {
    name: 'RESPONSE_BODY is there in seclang phase 4',
    rules: `SecResponseBodyAccess On\n${is('RESPONSE_BODY', 'gone', 4)}`,
    request: response,
    hits: [1],
  },
  {
    name: 'response headers that a rule asked for too early are there later',
    rules: `SecRule RESPONSE_HEADERS "@rx ." "id:2,phase:1,pass"\n${is('RESPONSE_HEADERS', 'text/html', 3)}`,
    request: response,
    hits: [1],
  },
  {
    name: 'body arguments are not there in seclang phase 1',
    rules: is('ARGS:b', 'two words', 1),
    request: post,
    hits: [],
  },
  {
    name: 'an excluded key is not judged',
    rules: 'SecRule ARGS|!ARGS:id "@rx ^[0-9]$" "id:1,phase:2,pass"',
    request: get,
    hits: [],
  },
  {
    name: 'an excluded pattern of keys is not judged',
    rules: 'SecRule ARGS|!ARGS:/^i/ "@rx ^[0-9]$" "id:1,phase:2,pass"',
    request: get,
    hits: [],
  },
  {
    name: 'an exclusion reaches its own collection only',
    rules: 'SecRule ARGS|ARGS_NAMES|!ARGS:id "@streq id" "id:1,phase:2,pass"',
    request: get,
    hits: [1],
  },
  {
    name: 'a quoted selector may hold a bar',
    rules: `SecRule ARGS:'/^(id|zz)$/' "@streq 2" "id:1,phase:2,pass"`,
    request: get,
    hits: [1],
  },
  {
    name: 'a selector pattern may hold a bar without quotes',
    rules: 'SecRule ARGS:/^(?:zz|id)$/|REQUEST_URI "@streq 2" "id:1,phase:2,pass"',
    request: get,
    hits: [1],
  },
  {
    name: 'URLENCODED_ERROR tells of a broken escape',
    rules: is('URLENCODED_ERROR', '1'),
    request: { target: '/?a=%zz' },
    hits: [1],
  },
  {
    name: 'FULL_REQUEST holds line, headers and body',
    rules: 'SecRule FULL_REQUEST "@rx (?s)^POST /form.*two%20words$" "id:1,phase:2,pass"',
    request: post,
    hits: [1],
  },
  {
    name: 'more arguments than the limit are cut and named',
    rules: 'SecArgumentsLimit 2\nSecRule &ARGS "@eq 2" "id:1,phase:1,pass"',
    request: { target: '/?a=1&b=2&c=3' },
    hits: [1],
    truncated: ['arguments'],
  },
  {
    name: 'a body argument past the limit is an error of the body',
    rules: 'SecArgumentsLimit 2\nSecRule REQBODY_ERROR "@eq 1" "id:1,phase:2,deny,status:400"',
    request: form('a=1&b=2&c=3'),
    hits: [1],
    ends: 'block 400',
    truncated: ['arguments'],
  },
]

runProfiles(profiles, 62)
