import { hostname } from 'node:os'
import type { FileResult, FileVerdict } from '../../scanner/verdict.js'
import type { ReportData } from './report.js'

const COLOURS: readonly (readonly [FileVerdict, string])[] = [
  ['malicious', '#b3261e'],
  ['suspicious', '#d98200'],
  ['error', '#7b4bb3'],
  ['skipped', '#8a8f98'],
  ['clean', '#2e7d4f'],
]
const MAX_BARS = 20

const STYLE = `
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
body { max-width: 72rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem } h2 { font-size: 1.15rem; margin-top: 2rem }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.5rem } dd { margin: 0 }
.share { display: flex; height: 1.6rem; border-radius: .3rem; overflow: hidden }
.legend { display: flex; flex-wrap: wrap; gap: 1.2rem; padding: 0; list-style: none }
.dot { display: inline-block; width: .8rem; height: .8rem; border-radius: 50%; margin-right: .4rem }
.bars { display: grid; grid-template-columns: minmax(8rem, max-content) 1fr max-content; gap: .3rem 1rem; align-items: center }
.bar { background: #3867b3; height: .9rem; border-radius: .2rem; min-width: 2px }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; vertical-align: top; padding: .35rem .6rem }
tr { border-bottom: 1px solid #8885 } td { overflow-wrap: anywhere } code { font-size: .85em }
.verdict { color: #fff; border-radius: .3rem; padding: .05rem .5rem; white-space: nowrap }
`

/**
 * A report as one HTML page that loads nothing: names of files and rules come from strangers, so every text is escaped
 * and the page's own policy forbids scripts.
 */
export function reportPage(data: ReportData): string {
  const files = Object.values(data.counts).reduce((sum, count) => sum + count, 0)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Portcullis scan report</title>
<style>${STYLE}</style>
</head>
<body>
<h1>Scan report</h1>
<dl>
<dt>Host</dt><dd>${text(hostname())}</dd>
<dt>Started</dt><dd>${text(data.started.toISOString())}</dd>
<dt>Took</dt><dd>${data.seconds.toFixed(1)} s</dd>
<dt>Paths</dt><dd>${data.paths.map((path) => `<code>${text(path)}</code>`).join(' ')}</dd>
<dt>Files</dt><dd>${files}, ${megabytes(data.bytes)} judged${rate(files, data.seconds)}</dd>
</dl>
${verdicts(data.counts, files)}
${rules(data.rules)}
${found(data)}
${slowest(data.slowest)}
</body>
</html>
`
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Text for people: markup escaped; control and direction characters, which could make a name look like another, shown. */
const text = (value: string): string =>
  value
    .replace(/[&<>"']/g, (char) => ENTITIES[char] ?? char)
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`)

const megabytes = (bytes: number): string =>
  bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`

const rate = (files: number, seconds: number): string =>
  seconds > 0 ? `, ${Math.round(files / seconds)} files/s` : ''

function verdicts(counts: ReportData['counts'], files: number): string {
  const shown = COLOURS.filter(([verdict]) => counts[verdict] > 0)
  const shares = shown.map(
    ([verdict, colour]) =>
      `<div style="background:${colour};width:${((counts[verdict] / files) * 100).toFixed(3)}%;min-width:3px" title="${counts[verdict]} ${verdict}"></div>`,
  )
  const legend = COLOURS.map(
    ([verdict, colour]) =>
      `<li><span class="dot" style="background:${colour}"></span>${counts[verdict]} ${verdict}</li>`,
  )
  return `<h2>Verdicts</h2>
<div class="share">${shares.join('')}</div>
<ul class="legend">${legend.join('')}</ul>`
}

function rules(met: ReportData['rules']): string {
  if (met.size === 0) return ''
  const sorted = [...met].sort(([, one], [, other]) => other - one)
  const most = sorted[0]?.[1] ?? 1
  const bars = sorted
    .slice(0, MAX_BARS)
    .map(
      ([name, count]) =>
        `<div>${text(name)}</div><div class="bar" style="width:${((count / most) * 100).toFixed(2)}%"></div><div>${count}</div>`,
    )
  const more = sorted.length > MAX_BARS ? `<p>and ${sorted.length - MAX_BARS} more</p>` : ''
  return `<h2>Rules, limits and errors met</h2>\n<div class="bars">\n${bars.join('\n')}\n</div>${more}`
}

function found({ rows, leftOut }: ReportData): string {
  if (rows.length === 0) return '<h2>Found</h2>\n<p>Nothing was found and nothing failed.</p>'
  const more =
    leftOut > 0 ? `<p>${leftOut} more had no room here; <code>--json</code> tells them all.</p>` : ''
  return `<h2>Found and failed</h2>
<table>
<tr><th>Verdict</th><th>File</th><th>Reasons</th></tr>
${rows.map(row).join('\n')}
</table>${more}`
}

function row({ verdict, path, reasons, sha256, size }: FileResult): string {
  const colour = COLOURS.find(([name]) => name === verdict)?.[1] ?? '#000'
  const why = reasons.map(({ engine, rule, member, detail }) =>
    text(
      `${engine}: ${rule}${member === undefined ? '' : ` in ${member}`}${detail === undefined ? '' : ` – ${detail}`}`,
    ),
  )
  const facts = [...(size === undefined ? [] : [`${size} bytes`]), ...(sha256 === undefined ? [] : [sha256])]
  return `<tr><td><span class="verdict" style="background:${colour}">${verdict}</span></td><td>${text(path)}<br><code>${facts.join(' · ')}</code></td><td>${why.join('<br>')}</td></tr>`
}

const slowest = (files: readonly FileResult[]): string =>
  files.length === 0
    ? ''
    : `<h2>Slowest files</h2>
<table>
<tr><th>ms</th><th>Bytes</th><th>File</th></tr>
${files.map(({ ms, size, path }) => `<tr><td>${ms.toFixed(1)}</td><td>${size ?? ''}</td><td>${text(path)}</td></tr>`).join('\n')}
</table>`
