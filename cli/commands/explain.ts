import { isAbsolute, relative, resolve } from 'node:path'
import type { Command } from 'commander'

import type { RuleOrigin, VerdictRecord } from '../../gateway/verdict-record.js'
import { readVerdict } from '../../gateway/verdict-store.js'
import { packageRoot } from '../../runtime/package-root.js'
import { isUuidv7 } from '../../runtime/uuid.js'
import type { CliContext, Flags } from '../context.js'
import { UsageError } from '../context.js'
import { exclusionFor } from '../exclusion.js'
import type { Exclusion } from '../exclusion.js'
import { asciiJson, printable } from '../printable.js'

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
      const stored = await readVerdict(data, id)
      if (!stored)
        throw new VerdictNotFound(
          `${data} holds no verdict of request ${id}: it was allowed without a logged match, or its record is too old`,
        )
      const exclusion = exclusionFor(stored.record)
      context.stdout.write(
        flags.json === true
          ? `${asciiJson({ ...stored.record, exclusion })}\n`
          : describe(stored.record, exclusion),
      )
    })
}

const LABEL_WIDTH = 11
const line = (label: string, text: string): string => `${label.padEnd(LABEL_WIDTH)}${printable(text)}\n`

const describe = (record: VerdictRecord, exclusion: Exclusion): string => {
  const { request, verdict } = record
  const answer = verdict.status > 0 ? ` ${verdict.status}` : ''
  const rule = verdict.rule === null ? '' : `, rule ${verdict.rule}`
  return [
    line('request', `${record.request_id}  ${record.time}`),
    line('', `${request.method} ${request.uri}`),
    line('host', `${request.host} (site ${record.site})`),
    line('client', record.client),
    line('verdict', `${verdict.action}${answer} in mode ${verdict.mode}, score ${verdict.score}`),
    line('phase', `${verdict.phase ?? 'none'}${rule}`),
    line('reason', record.reason),
    verdict.truncated.length > 0
      ? line('unjudged', `a part, by the limit ${verdict.truncated.join(', ')}`)
      : '',
    ...record.rules.map((match, index) => `\n${describeRule(match, record.origins[index])}`),
    '\n',
    ...exclusion.advice.map((text) => `${text}\n`),
    exclusion.seclang === '' ? '' : `\n${exclusion.seclang}`,
  ].join('')
}

const describeRule = (rule: VerdictRecord['rules'][number], origin: RuleOrigin | undefined): string =>
  [
    line('rule', `${rule.id}${origin?.file === undefined ? '' : `  ${place(origin.file, origin.line)}`}`),
    line('says', rule.msg),
    line('variable', rule.variable === '' ? 'none' : rule.variable),
    line('sample', rule.sample),
    rule.data === '' ? '' : line('data', rule.data),
  ].join('')

/** `file:line`, short for our own rules. */
const place = (file: string, at: number | undefined): string => {
  const below = isAbsolute(file) ? relative(packageRoot, file) : file
  return `${below.startsWith('..') ? file : below}${at === undefined ? '' : `:${at}`}`
}
