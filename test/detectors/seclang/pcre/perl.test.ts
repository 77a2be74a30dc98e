import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { compilePattern } from '../../../../detectors/seclang/pcre/index.js'
import { parsePattern } from '../../../../detectors/seclang/pcre/parser.js'
import { seeded } from '../work.js'
import { sample } from './sample.js'

/** Strings made from each pattern; about as many again are one byte away. `PORTCULLIS_PERL_STRINGS=1000` for a long run. */
const strings = Number(process.env['PORTCULLIS_PERL_STRINGS'] ?? 40)
const data = process.env['PORTCULLIS_TEST_DATA']

/**
 * Matches lines of hexadecimal digits, `P` pattern or `S` subject, on bytes; answers each subject with the offsets of all groups.
 * `.` takes any byte; on bytes Perl knows the classes and the case of ASCII only.
 */
const program = `
  binmode STDIN; $| = 1; my $re;
  while (<STDIN>) {
    chomp; my ($kind, $text) = (substr($_, 0, 1), pack('H*', substr($_, 1)));
    if ($kind eq 'P') { $re = qr/$text/s; next }
    if ($text =~ $re) { print join(',', map { ($-[$_] // -1, $+[$_] // -1) } 0 .. $#-), "\\n" } else { print "none\\n" }
  }`

/** The string with one byte put in, left out or changed, or with its case turned. */
function miss(text: string, random: () => number): string {
  const at = Math.floor(random() * (text.length + 1))
  const byte = String.fromCharCode(Math.floor(random() * 256))
  const letter = text.charAt(at)
  const turned = letter >= 'a' ? letter.toUpperCase() : letter.toLowerCase()
  const put = ['', byte, byte + letter, turned][Math.floor(random() * 4)] ?? ''
  return text.slice(0, at) + put + text.slice(at + 1)
}

/** How long Perl may take over one pattern. */
const PERL_MS = 2000

const hex = (text: string): string => Buffer.from(text, 'latin1').toString('hex')
const withoutLast = (offsets: string): string => offsets.replace(/(?:,-1)+$/, '')

const own = [
  '(a+)(b+)?c',
  '(?i)un(?:ion|der)\\s+(?:all\\s+)?(select)',
  '^(?:a|ab)(?:c|bcd)(d*)$',
  '(a|b)*?c',
  '((a)|(b))+',
  '[^[:alnum:]\\s]{2,4}\\b',
  '(?<!x)y(?=z)',
  "\\bor\\b.*?=\\s*(\\d+|'[^']*')",
  '(["\'])[a-z]{1,8}\\1',
  '\\x{c2}\\x{b4}|[\\x80-\\xff]{2}',
]

const ruleSet = (folder: string): string[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.conf'))
    .flatMap((file) => {
      const text = readFileSync(join(folder, file), 'latin1').replace(/\\\n\s*/g, '')
      return [...text.matchAll(/^\s*SecRule\s.*?"!?@rx\s((?:[^"\\]|\\.)*)"/gm)].map((found) =>
        (found[1] ?? '').replaceAll('\\"', '"'),
      )
    })
    .filter((source) => !source.includes('%{'))

if (spawnSync('perl', ['-v']).status !== 0) t.plan(0, 'skipped: no perl')
else
  t.test('patterns match what Perl matches, group by group', async (t) => {
    const random = seeded(11)
    const differing: string[] = []
    let compared = 0
    let matched = 0
    for (const source of [...own, ...(data === undefined ? [] : ruleSet(join(data, 'crs/rules')))]) {
      const { root } = parsePattern(source)
      const subjects = Array.from({ length: strings }, () => sample(root, random))
        .flatMap((text) => [text, miss(text, random)])
        // In Perl `$` also stands before a line feed at the end; `@rx` has it at the very end only.
        .map((text) => text.replace(/\n+$/, ''))
      const perl = spawnSync('perl', ['-e', program], {
        input: [`P${hex(source)}`, ...subjects.map((text) => `S${hex(text)}`)].join('\n'),
        encoding: 'latin1',
        timeout: PERL_MS,
      })
      // Perl backtracks, and some patterns keep it at that for ever; what it answered until then counts.
      const answers = perl.stdout.split('\n').slice(0, -1)
      if (perl.status !== null) t.equal(perl.status, 0, `${source}: ${perl.stderr.slice(0, 300)}`)
      const pattern = compilePattern(source, { file: 'perl.conf', line: 1 })
      for (const [at, theirs] of answers.entries()) {
        const text = subjects[at] ?? ''
        const ours = [...(pattern.exec(text) ?? [])].join(',') || 'none'
        compared += 1
        if (ours !== 'none') matched += 1
        // Perl lists groups up to the last that took part.
        if (withoutLast(ours) !== withoutLast(theirs) || pattern.test(text) !== (ours !== 'none'))
          differing.push(`${source} on ${JSON.stringify(text)}: ${ours}, Perl ${theirs}`)
      }
    }
    t.strictSame(differing.slice(0, 20), [])
    t.ok(matched > compared / 3, `${matched} of ${compared} strings match`)
  })
