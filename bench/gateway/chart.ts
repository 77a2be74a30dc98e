import { cellOf, serversOf, workloadsOf } from './result.js'
import type { Results } from './result.js'

const COLOURS = ['#5b6770', '#b3541e', '#1f7a8c', '#0b3954', '#8a6fae', '#6a994e', '#bc4749', '#a7a284']
const BAR = 14
const GAP = 22
const LEFT = 190
const WIDTH = 900
const TOP = 60

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** Bars of requests a second, a group for each workload, on a scale of powers of ten. */
export const chart = (results: Results): string => {
  const servers = serversOf(results)
  const workloads = workloadsOf(results)
  const rates = results.cells.map(
    ({ server, workload }) => cellOf(results, server, workload)?.requests_per_second ?? 1,
  )
  const low = Math.floor(Math.log10(Math.min(...rates)))
  const high = Math.ceil(Math.log10(Math.max(...rates)))
  const x = (rate: number): number => LEFT + ((Math.log10(rate) - low) / (high - low)) * (WIDTH - LEFT - 80)
  const group = servers.length * BAR + GAP
  const height = TOP + workloads.length * group + 40
  const parts: string[] = []
  const text = (at: number, y: number, content: string, extra = ''): void =>
    void parts.push(`<text x="${at.toFixed(1)}" y="${y.toFixed(1)}" ${extra}>${escaped(content)}</text>`)
  text(
    10,
    20,
    `Requests a second on one core (${results.date.slice(0, 10)}, listener ${results.listener})`,
    'font-size="15"',
  )
  servers.forEach((server, index) => {
    const at = 10 + index * (WIDTH / servers.length)
    parts.push(
      `<rect x="${at.toFixed(1)}" y="32" width="10" height="10" fill="${COLOURS[index % COLOURS.length]}"/>`,
    )
    text(at + 14, 41, server)
  })
  for (let power = low; power <= high; power++) {
    const at = x(10 ** power).toFixed(1)
    parts.push(`<line x1="${at}" y1="${TOP}" x2="${at}" y2="${height - 30}" stroke="#ddd"/>`)
    text(Number(at), height - 14, (10 ** power).toLocaleString('en'), 'text-anchor="middle"')
  }
  workloads.forEach((workload, row) => {
    const y = TOP + row * group
    text(LEFT - 8, y + (group - GAP) / 2 + 4, workload, 'text-anchor="end"')
    servers.forEach((server, index) => {
      const rate = cellOf(results, server, workload)?.requests_per_second
      if (rate === undefined) return
      const top = y + index * BAR
      parts.push(
        `<rect x="${LEFT}" y="${top}" width="${(x(rate) - LEFT).toFixed(1)}" height="${BAR - 2}" fill="${COLOURS[index % COLOURS.length]}"/>`,
      )
      text(x(rate) + 4, top + BAR - 4, Math.round(rate).toLocaleString('en'))
    })
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="11">
<rect width="100%" height="100%" fill="white"/>
${parts.join('\n')}
</svg>
`
}
