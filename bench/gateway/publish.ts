import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { format, resolveConfig } from 'prettier'
import { chart } from './chart.js'
import type { Circumstances, Findings } from './result.js'
import { latencyTable, soakTable, tables, threadsTable } from './table.js'

const RESULTS = fileURLToPath(new URL('../RESULTS.md', import.meta.url))
const FOLDER = fileURLToPath(new URL('../results/', import.meta.url))

/** A part of the findings as a section of its own. */
interface Section {
  readonly heading: string
  readonly text: string
}

const stand = ({ command, date, machine, versions, listener }: Circumstances): string =>
  `\`${command}\`, ${date.slice(0, 10)}, ${machine}, listener ${listener}; ${Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ')}.`

/** What was found, as Markdown; one section for each part of the benchmark. */
export const sections = ({ comparison, latency, threads, soak }: Findings): readonly Section[] => [
  ...(comparison === undefined
    ? []
    : [
        {
          heading: '## The gateway beside nginx and ModSecurity',
          text: [
            `${stand(comparison)} Each server had one core to itself, the load (wrk, 32 connections) and the service behind it (nginx, a page ` +
              'of 1 KiB) the other. Both firewalls judge bodies of requests and answers by the same Core Rule Set at paranoia level 1, ' +
              'block at the same thresholds and log what they refuse. A run in which a benign request did not get its 200, an attack ' +
              'not its 403, or a connection broke would have been refused.',
            '![Requests a second](results/gateway.svg)',
            tables(comparison),
          ].join('\n\n'),
        },
      ]),
  ...(latency === undefined
    ? []
    : [
        {
          heading: '## Latency of the gateway at half load',
          text:
            `${stand(latency)} GETs with a browser’s headers at a fixed rate, half of what everything can serve, over 64 connections; ` +
            `latency counts from the moment at which a request was due; the last column is the longest that one waited for the load itself.\n\n${latencyTable(latency)}`,
        },
      ]),
  ...(threads === undefined
    ? []
    : [
        {
          heading: '## Threads of the gateway',
          text:
            `${stand(threads)} Everything on, on two cores that load and service also use: the CPU time of a request compares, ` +
            `requests a second only where a request costs much more than its load.\n\n${threadsTable(threads)}`,
        },
      ]),
  ...(soak === undefined
    ? []
    : [{ heading: '## The gateway under attack', text: `${stand(soak)}\n\n${soakTable(soak)}` }]),
]

/** Writes the findings as JSON, beside those of parts that were run before, and the chart. Returns the paths. */
export function writeFiles(findings: Findings, folder: string): readonly string[] {
  mkdirSync(folder, { recursive: true })
  const json = join(folder, 'gateway.json')
  const before: unknown = existsSync(json) ? JSON.parse(readFileSync(json, 'utf8')) : {}
  writeFileSync(json, `${JSON.stringify(Object.assign({}, before, findings), undefined, 2)}\n`)
  if (findings.comparison === undefined) return [json]
  const svg = join(folder, 'gateway.svg')
  writeFileSync(svg, chart(findings.comparison))
  return [json, svg]
}

const replaced = (text: string, { heading, text: body }: Section): string => {
  const begin = text.indexOf(`${heading}\n`)
  const next = begin < 0 ? -1 : text.indexOf('\n## ', begin)
  const before = begin < 0 ? `${text.trimEnd()}\n\n` : text.slice(0, begin)
  return `${before}${heading}\n\n${body}\n${next < 0 ? '' : text.slice(next)}`
}

/** Puts the findings in place of their sections of RESULTS.md, or behind all others, with JSON and chart beside it. */
export async function publish(findings: Findings): Promise<void> {
  const [json = ''] = writeFiles(findings, FOLDER)
  await writeFormatted(RESULTS, sections(findings).reduce(replaced, readFileSync(RESULTS, 'utf8')))
  await writeFormatted(json, readFileSync(json, 'utf8'))
}

const writeFormatted = async (path: string, text: string): Promise<void> =>
  writeFileSync(path, await format(text, { ...(await resolveConfig(path)), filepath: path }))
