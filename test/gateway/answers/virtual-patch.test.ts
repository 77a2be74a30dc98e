import t from 'tap'

import { Engine } from '../../../detectors/engine.js'
import { MemoryCounterStore } from '../../../detectors/memory-counters.js'
import { nodeRuleFiles } from '../../../gateway/rule-files.js'
import { patchRules, tryPatch, type VirtualPatch } from '../../../gateway/answers/virtual-patch.js'
import { PATCH_SHAPES } from '../../../runtime/commands.js'

const patch = (more: Partial<VirtualPatch> = {}): VirtualPatch => ({
  type: 'virtual_patch',
  site: 'default',
  path: '/item.php',
  variable: 'ARGS:id',
  allow: 'integer',
  max_length: 10,
  evidence: ["1' OR 1=1--"],
  ...more,
})

t.test('a patch that refuses its evidence and nothing harmless may serve', async (t) => {
  t.equal(tryPatch(patch()), undefined)
  for (const allow of PATCH_SHAPES)
    for (const variable of [
      'ARGS:id',
      'ARGS_GET:a.b',
      'ARGS_POST:a[]',
      'REQUEST_COOKIES:c',
      'REQUEST_HEADERS:x-a',
    ])
      t.equal(
        tryPatch(patch({ allow, variable, max_length: 100, evidence: ['<svg/onload=alert(1)>'] })),
        undefined,
        `${allow} ${variable}`,
      )
  t.equal(tryPatch(patch({ path: '/' })), undefined)
  t.equal(tryPatch(patch({ evidence: ['12345678901'] })), undefined, 'too long')
})

t.test('a patch that lets its evidence pass may not', async (t) => {
  t.match(tryPatch(patch({ evidence: ['12', "1'"] })), { code: 'ANSWER_PATCH', reason: /passes as integer/ })
  t.match(tryPatch(patch({ allow: 'text', max_length: 100, evidence: ['rm -rf .'] })), {
    code: 'ANSWER_PATCH',
  })
  t.match(tryPatch(patch({ variable: 'REQUEST_COOKIES:c', evidence: ['a;b'] })), { reason: /can be sent/ })
})

t.test('a line end does not hide what follows an integer', async (t) => {
  for (const value of ['1\n', '1\nOR 1', '\n1', '1\r', '1\0', ' 1'])
    t.equal(tryPatch(patch({ evidence: [value] })), undefined, JSON.stringify(value))
})

t.test('other ways to write the path meet the patch, other paths do not', async (t) => {
  const base = Engine.load({
    files: nodeRuleFiles,
    counters: new MemoryCounterStore(),
    config: { phases: { sql_injection: { mode: 'off' }, xss: { mode: 'off' }, traversal: { mode: 'off' } } },
  })
  const engine = new Engine(base.pipeline.patchedWith(patchRules(patch(), 3)))
  const ruleOf = (target: string): number | undefined =>
    engine.judge({ method: 'GET', target, headers: [['Host', 'a']] }).verdict.rule
  for (const path of [
    '/item.php',
    '/item.php/',
    '/ITEM.PHP',
    '/item%2ephp',
    '/item%252ephp',
    '//item.php',
    '/x/../item.php',
    '/item.php;v=1',
    '/item.php/extra',
    '/.%5citem.php',
  ])
    t.equal(ruleOf(`${path}?id=x`), 9_612_006, path)
  t.equal(ruleOf('/item.php?id=12345678901'), 9_612_007, 'longer than allowed')
  t.equal(ruleOf('/item.php?a=1&id=1&id=x'), 9_612_006, 'a second value')
  for (const target of [
    '/itemsphp?id=x',
    '/items.php?id=x',
    '/a/item.php?id=x',
    '/item.php?id=1',
    '/item.php?other=x',
  ])
    t.equal(ruleOf(target), undefined, target)
  t.throws(
    () => engine.pipeline.patchedWith(patchRules(patch(), 3)),
    { name: 'RangeError' },
    'the same id cannot be there twice',
  )
  t.equal(
    base.judge({ method: 'GET', target: '/item.php?id=x', headers: [['Host', 'a']] }).verdict.rule,
    undefined,
    'the pipeline that it was made from has no patch',
  )
})
