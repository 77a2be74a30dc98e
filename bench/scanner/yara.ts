/**
 * Our scan against the `yara` command: the same rules, the same tree, two workers and two threads, in turns; then every
 * (rule, file) pair that only one of them has. Build first. Of `yara` the whole run counts, of ours the scan; our start (the
 * rules are compiled in each worker) is told apart.
 *
 * usage: npm run scanner:yara -- --rules FILE [--runs N] [--externals] [--json FILE] TREE
 */
import { parseArgs } from 'node:util'
import { EXTERNALS } from '../../scanner/yara/engine.js'
import { compare, ours, report, run, type Turn } from './turns.js'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rules: { type: 'string' },
    runs: { type: 'string', default: '3' },
    externals: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
})
const { rules } = values
const [tree] = positionals
if (rules === undefined || tree === undefined) throw new Error('--rules FILE and TREE are needed')

const externals = values.externals ? EXTERNALS.flatMap((name) => ['-d', `${name}=`]) : []
const theirs: Turn[] = []
const mine: Turn[] = []
for (let turn = 0; turn < Number(values.runs); turn++) {
  theirs.push(await run('yara', ['-w', '-N', '-r', '-p', '2', ...externals, rules, tree]))
  mine.push(await ours(['--raw', '--yara', rules], tree))
}

const theirPairs = new Set(theirs.at(-1)?.output.split('\n').filter(Boolean))
const ourPairs = new Set<string>()
const unread: string[] = []
let files = 0
for (const line of mine.at(-1)?.output.split('\n').filter(Boolean) ?? []) {
  const result = JSON.parse(line) as {
    path: string
    verdict: string
    sha256?: string
    reasons: { engine: string; rule: string }[]
  }
  if (result.sha256 !== undefined) files++
  else if (result.verdict === 'error') unread.push(result.path)
  for (const { engine, rule } of result.reasons) if (engine === 'yara') ourPairs.add(`${rule} ${result.path}`)
}

report(
  {
    rules,
    tree,
    files,
    ...compare(theirs, mine),
    pairs: { theirs: theirPairs.size, ours: ourPairs.size },
    onlyTheirs: [...theirPairs].filter((pair) => !ourPairs.has(pair)),
    onlyOurs: [...ourPairs].filter((pair) => !theirPairs.has(pair)),
    unread,
  },
  values.json,
)
