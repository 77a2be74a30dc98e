import { join } from 'node:path'
import t from 'tap'

import { nodeRuleFiles } from '../../gateway/rule-files.js'

t.test('files are byte strings, and a missing one is named', (t) => {
  const dir = t.testdir({ 'a.conf': Buffer.from([0xff, 0x41]) })
  t.equal(nodeRuleFiles.read(join(dir, 'a.conf')), '\xffA')
  t.throws(() => nodeRuleFiles.read(join(dir, 'none.conf')), {
    code: 'GATEWAY_RULE_FILE',
    message: /none\.conf/,
  })
  t.end()
})

t.test('globs expand to sorted files', (t) => {
  const dir = t.testdir({
    rules: { 'b-2.conf': '', 'b-1.conf': '', 'c.data': '', '.hidden.conf': '', folder: { 'x.conf': '' } },
    more: { 'a.conf': '' },
  })
  const names = (pattern: string): string[] =>
    nodeRuleFiles.expand(join(dir, pattern)).map((path) => path.slice(dir.length + 1))
  t.same(names('rules/*.conf'), ['rules/b-1.conf', 'rules/b-2.conf'])
  t.same(names('*/*.conf'), ['more/a.conf', 'rules/b-1.conf', 'rules/b-2.conf'])
  t.same(names('rules/b-[!2].conf'), ['rules/b-1.conf'])
  t.same(names('rules/?.data'), ['rules/c.data'])
  t.same(names('rules/*/x.conf'), ['rules/folder/x.conf'])
  t.same(names('rules/c.data'), ['rules/c.data'])
  t.same(names('none/*.conf'), [])
  t.end()
})
