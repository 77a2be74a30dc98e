import t from 'tap'
import { compile } from '../profile.js'
import { bothWays } from './both.js'

t.test(
  'a selector by pattern finds what comes from outside, from captures and from other rules',
  async (t) => {
    const text = `
    SecRule TX:/^score_[ab]/ "@unconditionalMatch" "id:1,phase:1,pass"
    SecRule TX:/^\\d$/ "@unconditionalMatch" "id:2,phase:1,pass"
    SecRule ARGS "@rx (a)|(b)" "id:3,phase:1,pass,capture,setvar:tx.score_%{tx.0}=+1"
    SecRule TX:/^score_[ab]/|TX:/^\\d$/ "@unconditionalMatch" "id:4,phase:1,pass"
    SecRule TX:/^score_b?$/|TX:/(?:^none|re_b)/ "@unconditionalMatch" "id:5,phase:2,pass"
  `
    const ways = { plan: compile(text), plain: compile(text) }
    for (const target of ['/', '/?x=a', '/?x=b', '/?x=c']) {
      const { plan, plain } = bothWays(ways, { target })
      t.same(plan, plain, target)
    }
  },
)

t.test('a selector finds groups that a remembered match repeats', async (t) => {
  const text = `
    SecRule REQUEST_METHOD "@rx ^(.)" "id:1,phase:1,pass,capture,setvar:tx.method=%{tx.1},chain"
      SecRule TX:method "@streq X"
    SecRule TX:/^[01]$/ "@unconditionalMatch" "id:2,phase:1,pass"
  `
  const ways = { plan: compile(text), plain: compile(text) }
  for (let time = 0; time < 3; time++) {
    const { plan, plain } = bothWays(ways, { target: '/' })
    t.same(plan, plain)
    t.match(plan, { matches: [{ id: 2 }, { id: 2 }] })
  }
})
