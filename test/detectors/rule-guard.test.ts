import t from 'tap'

import { removedEvaluationRules } from '../../detectors/rule-guard.js'
import { Site } from './site.js'

t.test('taking an evaluation rule away is found in every form', async (t) => {
  for (const text of [
    'SecRuleRemoveById 949110',
    'SecRuleRemoveById "949110"',
    'SecRuleRemoveById 942100 949110 920000-920100',
    'SecRuleRemoveById 949000-950000',
    'SecAction "id:1,phase:1,pass,nolog,ctl:ruleRemoveById=949110"',
    'SecRuleUpdateActionById 949110 "pass"',
    '# x\n  SecRuleRemoveById 949110\n',
  ]) {
    t.same(removedEvaluationRules(text), [949_110, ...(text.includes('949000') ? [949_111] : [])], text)
  }
  t.same(removedEvaluationRules('SecRuleRemoveById 9608900'), [9_608_900])
  for (const text of [
    '# SecRuleRemoveById 949110',
    'SecRuleRemoveById 942100',
    'ctl:ruleRemoveById=1-999999',
    'SecRule ARGS "949110" "id:1"',
    '',
  ]) {
    t.same(removedEvaluationRules(text), [], text)
  }
})

t.test('it is warned about when the rules are loaded', async (t) => {
  const site = new Site({ exclusions: ['/x.conf'] }, { '/x.conf': 'SecRuleRemoveById 9608900\n' })
  t.match(site.warnings.join(), /x\.conf: excludes rule 9608900/)
})
