import t from 'tap'
import { compile } from '../profile.js'
import { bothWays } from './both.js'

/** As the Core Rule Set lists the names of header fields. */
const LIST = `
  SecAction "id:1,phase:1,pass,nolog,setvar:'tx.refused=/proxy/ /expect/'"
  SecRule REQUEST_HEADERS_NAMES "@rx ^.*$" "id:2,phase:1,deny,capture,t:lowercase,msg:'%{MATCHED_VAR}',setvar:'tx.seen_%{tx.0}=/%{tx.0}/',chain"
    SecRule TX:/^seen_/ "@within %{tx.refused}"
`
const request = (...names: readonly string[]) => ({
  headers: names.map((name) => [name, 'x'] as const),
})

t.test('names that were seen before write and match what they did', async (t) => {
  const ways = { plan: compile(LIST), plain: compile(LIST) }
  for (const names of [
    ['Host', 'Accept'],
    ['Accept', 'Host'],
    ['Host', 'Proxy'],
    ['proxy'],
    ['Host', 'accept', 'ACCEPT'],
    [],
    ['Host', 'Accept'],
  ]) {
    const { plan, plain } = bothWays(ways, request(...names))
    t.same(plan, plain, names.join())
  }
})

t.test('a value that another one has written over is not taken for refused', async (t) => {
  const text = `
    SecRule ARGS_NAMES "@rx ^(.)(.)" "id:1,phase:1,pass,capture,setvar:'tx.kind_%{tx.1}=%{tx.2}',chain"
      SecRule TX:/^kind_/ "@streq b" "setvar:tx.found=+1"
  `
  const ways = { plan: compile(text), plain: compile(text) }
  for (const target of ['/?ab=1&ac=1', '/?ab=1&ac=1', '/?ab=1', '/?ac=1', '/?ab=1']) {
    const { plan, plain } = bothWays(ways, { target })
    t.same(plan, plain, target)
  }
})

t.test('what the next link compares with may change', async (t) => {
  const text = `
    SecRule ARGS:forbid "@rx .*" "id:1,phase:1,pass,setvar:tx.forbidden=%{MATCHED_VAR}"
    SecRule REQUEST_METHOD "@rx .*" "id:2,phase:1,deny,capture,setvar:tx.method_%{tx.0}=%{tx.0},chain"
      SecRule TX:/^method_/ "@within %{tx.forbidden}"
  `
  const ways = { plan: compile(text), plain: compile(text) }
  for (const forbidden of ['', 'POST', 'POST', 'GET', 'POST', 'GET,POST']) {
    const { plan, plain } = bothWays(ways, { target: `/?forbid=${forbidden}` })
    t.same(plan, plain, forbidden)
  }
})
