import t from 'tap'
import { compile } from '../profile.js'
import { bothWays } from './both.js'

const text = `
  SecRule ARGS:allow "@rx ." "id:1,phase:1,pass,nolog,setvar:'tx.methods=%{MATCHED_VAR}'"
  SecRule REQUEST_METHOD "!@within %{tx.methods}" "id:2,phase:1,pass"
  SecRule REQUEST_METHOD "@streq post" "id:3,phase:1,pass,t:lowercase"
  SecRule &REQUEST_HEADERS:X-One "@gt 1" "id:4,phase:1,pass"
  SecRule &ARGS "!@eq %{tx.count}" "id:5,phase:1,pass,setvar:tx.count=1"
  SecRule &MATCHED_VARS "@gt 0" "id:6,phase:1,pass"
  SecRule REMOTE_ADDR "@ipMatch 192.0.2.0/24" "id:7,phase:2,pass"
  SecRule REQBODY_PROCESSOR "@rx %{tx.methods}" "id:8,phase:2,pass"
  SecRule RESPONSE_STATUS "@beginsWith 4" "id:9,phase:3,pass"
`

t.test('what a rule said last it says again of the same value and the same variables only', async (t) => {
  const ways = { plan: compile(text), plain: compile(text) }
  const one = ['X-One', '1'] as const
  for (const request of [
    { method: 'GET', target: '/?allow=GET' },
    { method: 'GET', target: '/?allow=GET' },
    { method: 'GET', target: '/?allow=POST' },
    { method: 'POST', target: '/?allow=POST&b=1' },
    { method: 'POST', target: '/?allow=(' },
    { method: 'GET', target: '/', headers: [one, one] },
    { method: 'GET', target: '/', headers: [one], response: { status: 404, headers: [], body: '' } },
    { method: 'GET', target: '/?allow=GET', response: { status: 200, headers: [], body: '' } },
  ]) {
    const { plan, plain } = bothWays(ways, request)
    t.same(plan, plain, JSON.stringify(request))
  }
})
