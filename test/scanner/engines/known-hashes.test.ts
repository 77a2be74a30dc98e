import { createHash } from 'node:crypto'
import { join } from 'node:path'
import t from 'tap'
import { KnownHashes } from '../../../scanner/engines/known-hashes.js'
import { prepareHashes } from '../../../scanner/hashes/prepare.js'
import { judgeContent } from '../../../scanner/judge.js'
import type { Engine } from '../../../scanner/engines/engine.js'

const digest = (algorithm: string, text: string): string => createHash(algorithm).update(text).digest('hex')

/** Says something of every content. */
const speaks = (name: 'yara' | 'heuristic'): Engine => ({
  name,
  judge: () => [{ engine: name, rule: 'Spoke', level: 'suspicious' }],
})

t.test('allow-lists by SHA-256 end the matter, weaker digests only silence guesses', async (t) => {
  const large = 'x'.repeat(100_000)
  const folder = t.testdir({
    good: [digest('sha256', 'good') + ' Good', digest('sha1', 'weak') + ' Weak', digest('md5', large)].join(
      '\n',
    ),
    bad: [
      digest('sha256', 'good') + ' Bad',
      digest('md5', 'weak') + ' Bad',
      digest('sha1', large) + ' L',
    ].join('\n'),
  })
  const prepared = prepareHashes({ malicious: [join(folder, 'bad')], allowed: [join(folder, 'good')] })
  const hashes = new KnownHashes(prepared.databases)
  prepared.remove()
  const judge = async (content: string) => {
    const engines = { hashes, engines: [speaks('yara'), speaks('heuristic')] }
    const { verdict, reasons } = await judgeContent(Buffer.from(content), 'name', engines)
    return [verdict, ...reasons.map(({ engine, rule, level }) => `${engine}:${rule}:${level}`)]
  }
  t.strictSame(await judge('good'), ['clean', 'hash:Good:note'])
  t.strictSame(await judge('weak'), [
    'malicious',
    'hash:Weak:note',
    'hash:Bad:malicious',
    'yara:Spoke:suspicious',
  ])
  t.match(await judge(large), ['malicious', 'hash:L:malicious', 'hash:listed:note'])
  t.match(await judge('other'), ['suspicious', 'yara:Spoke:suspicious', 'heuristic:Spoke:suspicious'])
})
