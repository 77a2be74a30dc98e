/**
 * Draws a CPU profile that `--profile` wrote as a flame graph: a call lies below its caller, as wide as its share of the busy time.
 *
 * usage: npm run flame -- PROFILE.cpuprofile --out FILE.svg [--skip SECONDS] [--title TEXT]
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'

const WIDTH = 1200
const ROW = 16
const TOP = 50
/** Calls below this share of the whole are left out. */
const LEAST = 0.004
/** Width of a letter; names are cut to their box. */
const LETTER = 6.2

/** Where code belongs, by its place; the first that holds counts. */
const PARTS: readonly (readonly [name: string, place: RegExp, colour: string])[] = [
  ['rules', /\/detectors\/seclang\//, '#e07a5f'],
  ['other detectors', /\/(?:detectors|rules)\//, '#f2b880'],
  ['gateway', /\/gateway\//, '#81b29a'],
  ['ledger, records, telemetry', /\/(?:ledger|proofs|runtime|incidents|node_modules)\//, '#a08ac0'],
  ['node', /^node:/, '#9db4c0'],
  ['V8 and the system', /(?:)/, '#c9c9c9'],
]

interface ProfileNode {
  readonly id: number
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  readonly children?: readonly number[]
}

/** What V8 writes; times in µs. */
interface Profile {
  readonly nodes: readonly ProfileNode[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

/** Calls of one function from one place, with all that they called. */
interface Frame {
  readonly name: string
  readonly place: string
  us: number
  readonly calls: Map<string, Frame>
}

const frame = (name: string, place: string): Frame => ({ name, place, us: 0, calls: new Map() })

/** The calls of a profile by caller, without the time in which nothing was to be done. */
const callsOf = ({ nodes, samples, timeDeltas }: Profile, skipUs: number): Frame => {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const callers = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])))
  const stacks = new Map<number, readonly ProfileNode[]>()
  const stackOf = (id: number): readonly ProfileNode[] => {
    let stack = stacks.get(id)
    if (stack === undefined) {
      const node = byId.get(id)
      const caller = callers.get(id)
      stack = node === undefined ? [] : [...(caller === undefined ? [] : stackOf(caller)), node]
      stacks.set(id, stack)
    }
    return stack
  }
  const all = frame('busy', '')
  let at = 0
  for (const [index, id] of samples.entries()) {
    const us = timeDeltas[index] ?? 0
    at += us
    const [, ...stack] = stackOf(id)
    if (at < skipUs || stack.at(-1)?.callFrame.functionName === '(idle)') continue
    all.us += us
    let caller = all
    for (const { callFrame } of stack) {
      const file = callFrame.url
        .replace(/^file:.*\/dist\//, '/')
        .replace(/^file:.*\/node_modules\//, '/node_modules/')
      const name = callFrame.functionName || `${file.split('/').at(-1) ?? ''}:${callFrame.lineNumber + 1}`
      const key = `${name} ${file}:${callFrame.lineNumber}`
      let called = caller.calls.get(key)
      if (called === undefined) caller.calls.set(key, (called = frame(name, file)))
      called.us += us
      caller = called
    }
  }
  return all
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

const draw = (all: Frame, title: string): string => {
  const boxes: string[] = []
  let depth = 0
  const box = (one: Frame, x: number, row: number): void => {
    const share = one.us / all.us
    if (share < LEAST) return
    depth = Math.max(depth, row)
    const width = share * WIDTH
    const y = TOP + row * ROW
    const colour = PARTS.find(([, place]) => place.test(one.place))?.[2] ?? ''
    const letters = Math.floor((width - 4) / LETTER)
    const label = letters < 3 ? '' : one.name.slice(0, letters)
    boxes.push(
      `<g><title>${escaped(`${one.name} ${one.place}: ${(share * 100).toFixed(1)} %`)}</title>` +
        `<rect x="${x.toFixed(1)}" y="${y}" width="${Math.max(0.5, width - 0.5).toFixed(1)}" height="${ROW - 1}" fill="${colour}"/>` +
        (label === ''
          ? '</g>'
          : `<text x="${(x + 2).toFixed(1)}" y="${y + 11}">${escaped(label)}</text></g>`),
    )
    let at = x
    for (const called of [...one.calls.values()].toSorted((a, b) => b.us - a.us)) {
      box(called, at, row + 1)
      at += (called.us / all.us) * WIDTH
    }
  }
  box(all, 0, 0)
  const legend = PARTS.map(
    ([name, , colour], index) =>
      `<rect x="${10 + index * 190}" y="28" width="10" height="10" fill="${colour}"/><text x="${24 + index * 190}" y="37">${name}</text>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${TOP + (depth + 1) * ROW + 6}" font-family="sans-serif" font-size="11">
<rect width="100%" height="100%" fill="white"/>
<text x="10" y="18" font-size="14">${escaped(title)}</text>
${[...legend, ...boxes].join('\n')}
</svg>
`
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    out: { type: 'string' },
    /** What comes before is not drawn: the start, and code that is not compiled yet. */
    skip: { type: 'string', default: '0' },
    title: { type: 'string', default: 'CPU time' },
  },
})
const [profile] = positionals
if (profile === undefined || values.out === undefined)
  throw new Error('usage: npm run flame -- PROFILE.cpuprofile --out FILE.svg [--skip SECONDS] [--title TEXT]')
const fromCaller = (path: string): string => resolve(process.env['INIT_CWD'] ?? process.cwd(), path)
const calls = callsOf(
  JSON.parse(readFileSync(fromCaller(profile), 'utf8')) as Profile,
  Number(values.skip) * 1e6,
)
if (calls.us === 0) throw new Error(`${profile} holds nothing behind the first ${values.skip} s`)
writeFileSync(fromCaller(values.out), draw(calls, values.title))
