import { setTimeout as pause } from 'node:timers/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'

import { explainVerdict } from '../../detectors/explain.js'
import type { VerdictRecord } from '../../gateway/verdict-record.js'
import { readVerdict } from '../../gateway/verdict-store.js'
import type { StoredVerdict } from '../../gateway/verdict-store.js'
import { isUuidv7, uuidv7Time } from '../../runtime/uuid.js'
import type { CliContext, Flags } from '../context.js'
import { UsageError } from '../context.js'
import { asciiJson, printable } from '../printable.js'
import { shortPath } from '../short-path.js'

/** The store has no such verdict. */
class VerdictNotFound extends Error {
  override readonly name = 'VerdictNotFound'
  readonly code = 'VERDICT_NOT_FOUND'
}

/** `portcullis explain REQUEST_ID` */
export const registerExplain = (program: Command, context: CliContext): void => {
  program
    .command('explain')
    .description('say which rule refused a request, in which variable, and what would let it pass')
    .argument('<request-id>', 'the id on the block page and in the audit log')
    .option('--config <file>', 'configuration file (YAML)')
    .option('--data <dir>', 'data folder of the gateway (./data)')
    .option('--json', 'one JSON object on standard output')
    .action(async (requestId: string, flags: Flags) => {
      const id = requestId.toLowerCase()
      if (!isUuidv7(id)) throw new UsageError(`${printable(requestId.slice(0, 64))} is not a request id`)
      const data = resolve(context.loadConfig(flags).config.data)
      const stored = await findVerdict(data, id)
      if (!stored)
        throw new VerdictNotFound(
          `${data} holds no verdict of request ${id}: it was allowed without a logged match, or its record is too old`,
        )
      const { lines, ...explanation } = explainVerdict(withShortPaths(stored.record))
      const { time, site, client, request, response_status } = stored.record
      context.stdout.write(
        flags.json === true
          ? `${asciiJson({ time, site, client, request, response_status, ...explanation })}\n`
          : `${lines.join('\n')}\n`,
      )
    })
}

/** A client sees its request id before the record is on disk: that of a fresh request is waited for. */
const FRESH_MS = 10_000
const WAIT_MS = 3000
const POLL_MS = 50

const findVerdict = async (data: string, id: string): Promise<StoredVerdict | undefined> => {
  const age = Date.now() - uuidv7Time(id)
  const until = Date.now() + (age < FRESH_MS ? WAIT_MS : 0)
  for (;;) {
    const stored = await readVerdict(data, id)
    if (stored || Date.now() >= until) return stored
    await pause(POLL_MS)
  }
}

/** Our own rules are named as they stand in the product. */
const withShortPaths = (record: VerdictRecord): VerdictRecord => ({
  ...record,
  origins: record.origins.map((origin) =>
    origin.file === undefined ? origin : { ...origin, file: shortPath(origin.file) },
  ),
})
