// How many attacks are refused and how much that is harmless is let through, by the default set-up and with a Core Rule Set:
// PORTCULLIS_TEST_DATA=DIR node --import=@tapjs/typescript/import test/detectors/effectiveness.ts
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { Engine, type JudgedRequest } from '../../detectors/engine.js'
import { detectSqli } from '../../detectors/injection/sqli.js'
import { detectXss } from '../../detectors/injection/xss.js'
import { nodeRuleFiles } from '../../gateway/rule-files.js'
import { browsingSession } from './browsing-session.js'
import { corpusFiles, corpusFolder, corpusLines } from './injection/corpus.js'

export type SetUp = 'our packs' | 'our packs and CRS' | 'CRS alone'

const PACKS = ['scanner', 'sql_injection', 'xss', 'rce', 'traversal'] as const

/**
 * An engine in mode block; the Core Rule Set at paranoia level 1 with its own thresholds. `exclusions` adds those of the browsing
 * session's operator.
 */
export const engineOf = (setUp: SetUp, exclusions = false): Engine =>
  Engine.load({
    config: {
      exclusions: exclusions ? [fileURLToPath(new URL('browsing-exclusions.conf', import.meta.url))] : [],
      phases: {
        ...(setUp === 'our packs'
          ? {}
          : { owasp_crs: { dir: join(process.env['PORTCULLIS_TEST_DATA'] ?? '', 'crs') } }),
        ...(setUp === 'CRS alone' ? Object.fromEntries(PACKS.map((name) => [name, { mode: 'off' }])) : {}),
      },
    },
    files: nodeRuleFiles,
  })

/** A value of a corpus where a browser would send it. */
export const searchFor = (value: string): JudgedRequest => ({
  method: 'GET',
  target: `/search?q=${[...Buffer.from(value, 'latin1')].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')}`,
  headers: [
    ['Host', 'shop.example.com'],
    ['User-Agent', 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0'],
    ['Accept', 'text/html'],
  ],
})

export interface Tally {
  readonly refused: number
  readonly total: number
}

export const tally = (engine: Engine, requests: readonly JudgedRequest[]): Tally => ({
  refused: requests.filter((request) => engine.judge(request).verdict.action === 'block').length,
  total: requests.length,
})

/** Requests of each file of the corpora, and of the browsing session. */
export const requestSets = (folder: string): ReadonlyMap<string, readonly JudgedRequest[]> =>
  new Map([
    ...[...corpusFiles(folder, 'sqli-'), ...corpusFiles(folder, 'xss-'), 'false_positives.txt'].map(
      (file): [string, readonly JudgedRequest[]] => [file, corpusLines(folder, file).map(searchFor)],
    ),
    ['browsing session', browsingSession()],
  ])

const folder = corpusFolder()
if (folder !== undefined && process.argv[1]?.endsWith('effectiveness.ts') === true) {
  const setUps: readonly SetUp[] = ['our packs', 'our packs and CRS', 'CRS alone']
  const engines = setUps.map((setUp) => engineOf(setUp))
  const row = (cells: readonly string[]): boolean => process.stdout.write(`| ${cells.join(' | ')} |\n`)
  row(['requests', 'of', ...setUps, '`@detectSQLi`', '`@detectXSS`'])
  row(Array.from({ length: 7 }, () => '---'))
  for (const [name, requests] of requestSets(folder)) {
    const values = name.endsWith('.txt') ? corpusLines(folder, name) : []
    const operators = [detectSqli, detectXss].map((detect) =>
      values.length === 0 ? '' : String(values.filter((value) => detect(value) !== false).length),
    )
    const refused = engines.map((engine) => String(tally(engine, requests).refused))
    row([name, String(requests.length), ...refused, ...operators])
  }
  const excluded = setUps.map((setUp) => String(tally(engineOf(setUp, true), browsingSession()).refused))
  row(['the same, with exclusions', String(browsingSession().length), ...excluded, '', ''])
}
