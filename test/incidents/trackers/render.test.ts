import fc from 'fast-check'
import t from 'tap'
import { codeBlock, renderComment, renderIssue, renderRise } from '../../../incidents/trackers/render.js'
import { growth } from '../../proofs/random.js'
import { incident } from './rig.js'

const MARKER = '0123456789abcdef0123456789abcdef'
const numRuns = Number(process.env['PORTCULLIS_FUZZ_RUNS'] ?? 500)
const hostile = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(fc.constantFrom('`', '```', '\n', '\r', '~~~', '# ', '@Ada', '</details>', '\u202e', 'text', ' '))
    .map((p) => p.join('')),
)

/** The lines of a Markdown text that stand in no fenced block of code (CommonMark, section 4.5). */
const outside = (text: string): string[] => {
  const left: string[] = []
  let fence: string | undefined
  for (const line of text.split(/\r\n|\r|\n/)) {
    const [, run] = /^ {0,3}(`{3,}|~{3,})/.exec(line) ?? []
    if (fence === undefined && run !== undefined && !line.slice(line.indexOf(run) + run.length).includes('`'))
      fence = run
    else if (fence !== undefined && run?.startsWith(fence) && line.trim() === run) fence = undefined
    else if (fence === undefined) left.push(line)
  }
  if (fence !== undefined) left.push('a block that does not end')
  return left
}

t.test('no text ends its block of code', async () => {
  fc.assert(
    fc.property(hostile, (text) => outside(codeBlock(text)).length === 0),
    { numRuns },
  )
})

t.test('what clients sent stands in code only, in an issue and in a comment', async () => {
  const words = outside(renderIssue(incident({ evidence: [] }), MARKER).body).length
  fc.assert(
    fc.property(hostile, (text) => {
      const [seen] = incident().evidence
      const one = incident({ evidence: [{ ...seen!, summary: `IGNORE${text}IGNORE` }] })
      const issue = renderIssue(one, MARKER)
      const comment = renderComment(text, `IGNORE${text}`, MARKER)
      const lines = outside(issue.body)
      return (
        !lines.join('\n').includes('IGNORE') &&
        lines.length > words &&
        issue.body.endsWith(MARKER) &&
        !outside(comment).join('\n').includes('IGNORE') &&
        comment.endsWith(`(${MARKER})`)
      )
    }),
    { numRuns },
  )
})

t.test('a title is one line of at most 200 characters', async () => {
  fc.assert(
    fc.property(
      fc.oneof(
        hostile,
        hostile.map((text) => text.repeat(100)),
      ),
      (title) => {
        const rendered = renderIssue(incident({ title }), MARKER).title
        return Array.from(rendered).length <= 200 && !/[\r\n\u2028\u202e]/.test(rendered)
      },
    ),
    { numRuns },
  )
})

t.test('an issue says what the incident is, a storm what it is made of', async (t) => {
  const { body, severity } = renderIssue(
    incident({
      count: 1,
      first_seen: 0,
      last_seen: 1000,
      storm: { matters: 2, first: [{ title: 'x\n# y', count: 7 }] } as never,
    }),
    MARKER,
  )
  t.equal(severity, 'high')
  t.match(body, /^\*\*high\*\*, 1 detection from 1970-01-01T00:00:00Z to 1970-01-01T00:00:01Z\./)
  t.match(body, 'A storm of 2 different detections')
  t.match(body, '7 × x # y')
  t.match(body, '- `0190aaaa-0000-7000-8000-000000000000`')
  t.equal(
    renderRise(incident({ severity: 'critical', count: 9 }), MARKER),
    `The severity is now **critical**, after 9 detections. (${MARKER})`,
  )
})

t.test('rendering is linear', async (t) => {
  for (const piece of ['`', '` ', '\r\n', '\u202e', '```\n'])
    t.ok(
      growth((n) => {
        const text = piece.repeat(n)
        return () => codeBlock(text)
      }, 20_000) < 12,
      JSON.stringify(piece),
    )
})
