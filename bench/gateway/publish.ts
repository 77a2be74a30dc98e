import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { format, resolveConfig } from 'prettier'
import { chart } from './chart.js'
import type { Results } from './result.js'
import { tables } from './table.js'

const HEADING = '## The gateway beside nginx and ModSecurity'
const RESULTS = fileURLToPath(new URL('../RESULTS.md', import.meta.url))
const FOLDER = fileURLToPath(new URL('../results/', import.meta.url))

/** Writes the results as JSON and their chart. Returns the paths. */
export function writeFiles(results: Results, folder: string): readonly string[] {
  mkdirSync(folder, { recursive: true })
  const json = join(folder, 'gateway.json')
  const svg = join(folder, 'gateway.svg')
  writeFileSync(json, `${JSON.stringify(results, undefined, 2)}\n`)
  writeFileSync(svg, chart(results))
  return [json, svg]
}

const section = (results: Results): string =>
  [
    HEADING,
    `\`${results.command}\`, ${results.date.slice(0, 10)}, ${results.machine}; ` +
      `${Object.entries(results.versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', ')}. ` +
      'Each server had one core to itself, the load (wrk, 32 connections) and the service behind it (nginx, a page of 1 KiB) the other. ' +
      'Both firewalls judge bodies of requests and answers by the same Core Rule Set at paranoia level 1, block at the same ' +
      'thresholds and log what they refuse. A run in which a benign request did not get its 200, an attack not its 403, or a ' +
      'connection broke would have been refused.',
    '![Requests a second](results/gateway.svg)',
    tables(results),
  ].join('\n\n')

/** Puts the results in place of their section of RESULTS.md, or behind all others, with JSON and chart beside it. */
export async function publish(results: Results): Promise<void> {
  const json = writeFiles(results, FOLDER)
  const text = readFileSync(RESULTS, 'utf8')
  const begin = text.indexOf(HEADING)
  const next = begin < 0 ? -1 : text.indexOf('\n## ', begin)
  const before = begin < 0 ? `${text.trimEnd()}\n\n` : text.slice(0, begin)
  const after = next < 0 ? '' : text.slice(next)
  await writeFormatted(RESULTS, `${before}${section(results)}\n${after}`)
  const [file] = json
  if (file !== undefined) await writeFormatted(file, readFileSync(file, 'utf8'))
}

const writeFormatted = async (path: string, text: string): Promise<void> =>
  writeFileSync(path, await format(text, { ...(await resolveConfig(path)), filepath: path }))
