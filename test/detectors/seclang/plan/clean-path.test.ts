import t from 'tap'
import type { RuleSet } from '../../../../detectors/seclang/index.js'
import { compile, judge, transaction } from '../profile.js'

const pathOf = (rules: RuleSet) => rules.begin(transaction()).program.plan.path
const asked = (rules: RuleSet, phase: 1 | 2 | 5 = 1): readonly number[] =>
  pathOf(rules)
    .stretches(phase)
    .flatMap(({ questions }) => questions.map(({ step }) => step.rule.id))
const settled = (rules: RuleSet, phase: 1 | 2 | 5 = 1): readonly number[] =>
  pathOf(rules)
    .stretches(phase)
    .flatMap((stretch) => stretch.settled?.matches.map(({ id }) => id) ?? [])

t.test('settings, paranoia levels and sums of scores are settled when the rules are loaded', async (t) => {
  const rules = compile(`
    SecRule &TX:level "@eq 0" "id:1,phase:1,pass,nolog,setvar:tx.level=1"
    SecAction "id:2,phase:1,pass,nolog,setvar:tx.score=0,setvar:tx.worth=5"
    SecRule REQUEST_URI "@contains evil" "id:3,phase:1,pass,setvar:tx.score=+%{tx.worth}"
    SecRule TX:level "@lt 2" "id:4,phase:1,pass,nolog,skipAfter:END"
    SecRule REQUEST_URI "@contains x" "id:5,phase:1,pass"
    SecMarker END
    SecRule TX:score "@ge %{tx.worth}" "id:6,phase:2,deny"
    SecRule TX:absent "@eq 0" "id:7,phase:2,deny"
  `)
  t.same([settled(rules), asked(rules)], [[1, 2, 4], [3]])
  t.same([settled(rules, 2), asked(rules, 2)], [[], []])
  t.same(judge(rules).ids, [1, 2, 4])
  t.same(judge(rules, { target: '/evil' }).interruption?.match.id, 6)
  t.same(judge(rules, { target: '/evilx' }).ids, [1, 2, 3, 4, 6])
})

t.test('what depends on the request is asked', async (t) => {
  const rules = compile(`
    SecAction "id:1,phase:1,pass,nolog,setvar:tx.address=%{REMOTE_ADDR}"
    SecRule TX:address "@streq 192.0.2.7" "id:2,phase:1,pass,nolog,setvar:tx.known=1"
    SecAction "id:3,phase:1,pass,nolog,setvar:tx.of_%{REMOTE_ADDR}=1"
    SecRule TX:of_192.0.2.7 "@eq 1" "id:4,phase:1,pass,nolog"
    SecRule TX:1 "@eq 1" "id:5,phase:1,pass,nolog"
    SecAction "id:6,phase:1,pass,log"
    SecAction "id:7,phase:1,pass,nolog,logdata:'%{REMOTE_ADDR}'"
  `)
  t.same(settled(rules), [])
  t.same(asked(rules), [1, 2, 3, 4, 5, 6, 7])
  t.same(judge(rules).ids, [1, 2, 3, 4, 6, 7])
})

t.test('a rule that changes what was taken for granted ends the path', async (t) => {
  const rules = compile(`
    SecAction "id:1,phase:1,pass,nolog,setvar:tx.a=1"
    SecRule REQUEST_URI "@contains set" "id:2,phase:1,pass,nolog,setvar:tx.a=2"
    SecRule REQUEST_URI "@contains named" "id:3,phase:1,pass,nolog,setvar:tx.%{REQUEST_METHOD}=2"
    SecRule REQUEST_URI "@contains out" "id:4,phase:1,pass,nolog,ctl:ruleRemoveById=9"
    SecRule REQUEST_URI "@contains half" "id:5,phase:1,pass,nolog,chain,setvar:tx.a=2"
      SecRule REQUEST_URI "@contains never" ""
    SecRule REQUEST_URI "@contains over" "id:6,phase:1,pass,nolog,skip:1"
    SecRule TX:a "@eq 1" "id:9,phase:1,pass,nolog"
    SecRule TX:a "@eq 1" "id:10,phase:5,pass,nolog"
    SecRule TX:a "@eq 2" "id:11,phase:5,pass,nolog"
  `)
  t.same(settled(rules, 5), [10])
  t.same(asked(rules, 5), [])
  t.same(judge(rules).ids, [1, 9, 10])
  t.same(judge(rules, { target: '/set' }).ids, [1, 2, 11])
  t.same(judge(rules, { method: 'A', target: '/named' }).ids, [1, 3, 11])
  t.same(judge(rules, { target: '/out' }).ids, [1, 4, 10])
  t.same(judge(rules, { target: '/half' }).ids, [1, 11])
  t.same(judge(rules, { target: '/over' }).ids, [1, 6, 10])
})

t.test('a rule that takes others out ends the path when one of them is settled', async (t) => {
  for (const [removal, ends, ids] of [
    ['ById=9', false, [1, 2]],
    ['ById=2-9', true, [1]],
    ['ByTag=own', true, [1, 9]],
    ['ByTag=other', false, [1, 2]],
  ] as const) {
    const rules = compile(`
      SecRule REQUEST_URI "@contains out" "id:1,phase:1,pass,nolog,ctl:ruleRemove${removal}"
      SecAction "id:2,phase:1,pass,nolog,tag:own"
      SecRule REQUEST_URI "@contains o" "id:9,phase:1,pass,nolog,tag:other"
    `)
    const [question] = pathOf(rules)
      .stretches(1)
      .flatMap(({ questions }) => questions)
    t.equal(question && pathOf(rules).endsAt(question.step.rule.links[0]), ends, removal)
    t.same(judge(rules, { target: '/out' }).ids, ids, removal)
  }
})

t.test(
  'the path goes on behind what a match passes over, unless something was found out from that',
  async (t) => {
    const goesOn = (effect: string): boolean => {
      const rules = compile(`
      SecRule REQUEST_URI "@contains over" "id:1,phase:1,pass,nolog,skipAfter:END"
      SecAction "id:2,phase:1,pass,nolog,${effect}"
      SecMarker END
      SecRule TX:a "@eq 1" "id:3,phase:1,pass,nolog"
      SecRule REQUEST_URI "@contains o" "id:4,phase:1,pass,nolog"
    `)
      t.same(judge(rules).ids, effect === 'setvar:tx.a=1' ? [2, 3] : [2])
      t.same(judge(rules, { target: '/over' }).ids, [1, 4])
      const [question] = pathOf(rules)
        .stretches(1)
        .flatMap(({ questions }) => questions)
      return question?.afterMatch !== undefined
    }
    t.equal(goesOn('t:none'), true)
    t.equal(goesOn('setvar:tx.a=1'), false)
  },
)

t.test(
  'a variable that is set from outside ends the path when something was found out from it',
  async (t) => {
    const rules = compile(`
    SecRule TX:decoded "@eq 1" "id:1,phase:2,pass,nolog"
    SecAction "id:2,phase:2,pass,nolog"
  `)
    const evaluation = rules.begin(transaction())
    evaluation.run(1)
    evaluation.setVariable('Decoded', '1')
    evaluation.run(2)
    t.same(
      evaluation.matches.map(({ id }) => id),
      [1, 2],
    )
  },
)

t.test('seclang phases that are left out end it', async (t) => {
  const rules = compile(`
    SecAction "id:1,phase:2,pass,nolog,setvar:tx.a=1"
    SecRule TX:a "@eq 1" "id:2,phase:5,pass,nolog"
  `)
  const evaluation = rules.begin(transaction())
  evaluation.run(1)
  evaluation.run(5)
  t.same(evaluation.matches, [])
})
