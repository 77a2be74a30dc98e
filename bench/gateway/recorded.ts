import { createReadStream } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { parseSignedCheckpoint } from '../../proofs/checkpoint.js'
import { parseEntry } from '../../proofs/entry.js'
import { decodeEntryBundle, entryBundles, tilePath } from '../../proofs/tile.js'

const SETTLE_MS = 3000

/** Blocked requests in an audit log. Throws for a line that is none. */
export async function blockedInAuditLog(file: string): Promise<number> {
  let blocked = 0
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const { verdict } = JSON.parse(line) as { verdict: { action: string } }
    if (verdict.action === 'block') blocked++
  }
  return blocked
}

/** Verdicts in the ledger: those with an entry of their own, and those that signed summaries count. */
export interface LedgerCount {
  readonly entries: number
  readonly summarised: number
}

const ask = (data: string, path: string): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const asked = request({ socketPath: join(data, 'ledger', 'ledger.sock'), path }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('error', reject)
      answer.on('end', () => {
        if (answer.statusCode === 200) resolve(Buffer.concat(chunks))
        else reject(new Error(`${path} of the ledger answers ${answer.statusCode}`))
      })
    })
    asked.on('error', reject)
    asked.end()
  })

/** Size of the log once it grows no more. */
const settledSize = async (data: string): Promise<number> => {
  for (let before = -1; ;) {
    const { size } = parseSignedCheckpoint(await ask(data, '/checkpoint')).checkpoint
    if (size === before) return size
    before = size
    await pause(SETTLE_MS)
  }
}

/** Reads the whole log of a ledger that runs, once it has taken in what waits. */
export async function blockedInLedger(data: string): Promise<LedgerCount> {
  let entries = 0
  let summarised = 0
  for (const tile of entryBundles(await settledSize(data)))
    for (const bytes of decodeEntryBundle(await ask(data, `/${tilePath(tile)}`), tile.width)) {
      const entry = parseEntry(bytes)
      if (entry.type === 'seal') continue
      const members: Readonly<Record<string, unknown>> = entry.action
      if (members['kind'] === 'security.verdict') {
        if ((members['verdict'] as { action?: string }).action === 'block') entries++
      } else if (members['kind'] === 'security.summary')
        for (const [key, count] of Object.entries(members['counts'] as Record<string, number>))
          if (key.startsWith('block_')) summarised += count
    }
  return { entries, summarised }
}
