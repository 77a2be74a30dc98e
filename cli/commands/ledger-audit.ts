import { readFile, stat } from 'node:fs/promises'
import { Presets, SingleBar } from 'cli-progress'
import type { Command } from 'commander'

import { auditLog } from '../../ledger/audit/audit.js'
import { EntryAudit } from '../../ledger/audit/entry-audit.js'
import { openFolder } from '../../ledger/audit/folder-source.js'
import { openUrl } from '../../ledger/audit/http-source.js'
import { PolicyKeys } from '../../ledger/audit/policy-keys.js'
import type { AuditFinding, AuditReport } from '../../ledger/audit/report.js'
import type { TreeSource } from '../../ledger/audit/source.js'
import { decodeVkey } from '../../proofs/note-key.js'
import { MAX_POLICY_BYTES, parsePolicy } from '../../proofs/policy.js'
import { outboundConfig } from '../../runtime/outbound.js'
import type { CliContext, Flags } from '../context.js'
import { UsageError } from '../context.js'
import { collect } from '../flags.js'
import { printable } from '../printable.js'

interface AuditFlags extends Flags {
  readonly vkey: readonly string[]
  readonly entries?: string
  readonly allow?: readonly string[]
  readonly json?: boolean
}

/** `portcullis ledger audit`: needs no data folder, and no configuration unless the log is at a private address. */
export const registerLedgerAudit = (ledger: Command, context: CliContext): void => {
  ledger
    .command('audit')
    .description('re-read a whole tlog-tiles log: every entry, every tile, the root, the signature')
    .argument('<log>', 'URL of its prefix, or a folder')
    .requiredOption('--vkey <vkey>', 'key that its checkpoint must be signed by (repeatable)', collect)
    .option('--entries <policyfile>', 'judge what entries of a log of ours say, too: signatures, seals, keys')
    .option('--allow <cidr>', 'private address range that the log may be at (repeatable)', collect)
    .option('--config <file>', 'configuration file (YAML), for outbound.allow')
    .option('--json', 'the report, as one JSON object on standard output')
    .addHelpText('after', '\nExit status: 0 nothing is wrong, 1 with the code of what is.')
    .action((log: string, _: unknown, self: Command) =>
      audit(context, log, self.optsWithGlobals<AuditFlags>()),
    )
}

const audit = async (context: CliContext, log: string, flags: AuditFlags): Promise<void> => {
  const keys = flags.vkey.map(decodeVkey)
  // The name of a log's key is the log's origin.
  const [origin = ''] = keys.map(({ name }) => name)
  const entries =
    flags.entries === undefined ? undefined : new EntryAudit(await readKeys(flags.entries, origin))
  const source = await openSource(context, log, flags)
  const bar = progressBar(context, 'entries')
  const start = performance.now()
  let report: AuditReport
  try {
    report = await auditLog(source, {
      keys,
      ...(entries !== undefined && { entries }),
      ...(bar !== undefined && { onProgress: bar.update }),
    })
  } finally {
    bar?.stop()
    await source.close()
  }
  const seconds = Number(((performance.now() - start) / 1000).toFixed(1))
  if (flags.json) context.stdout.write(`${JSON.stringify({ ...report, seconds })}\n`)
  else if (report.ok) context.stdout.write(summary(report, seconds))
  if (report.ok) return
  for (const finding of report.findings) context.stderr.write(`${describeFinding(finding)}\n`)
  if (report.found > report.findings.length)
    context.stderr.write(`and ${report.found - report.findings.length} more\n`)
  context.setExitCode(1)
}

const readKeys = async (path: string, origin: string): Promise<PolicyKeys> => {
  if ((await stat(path)).size > MAX_POLICY_BYTES) throw new UsageError(`${path} is larger than any policy`)
  return new PolicyKeys(parsePolicy(await readFile(path)), origin)
}

const openSource = async (context: CliContext, log: string, flags: AuditFlags): Promise<TreeSource> => {
  if (!/^https?:/i.test(log)) return openFolder(log)
  const { outbound } = context.loadConfig({ config: flags.config }).config
  const given = outboundConfig.safeParse({ allow: flags.allow })
  if (!given.success)
    throw new UsageError(`--allow: ${given.error.issues.map(({ message }) => message).join('; ')}`)
  return openUrl(log, { allow: [...outbound.allow, ...given.data.allow] })
}

const summary = (report: AuditReport, seconds: number): string => {
  const { origin, size, root, signers = [], bundles, tiles, partials, checkpoints, ahead } = report
  const lines = [
    `ok: ${JSON.stringify(origin)}, ${size} entries, root ${root}`,
    `signed by ${signers.map((name) => JSON.stringify(name)).join(', ')}`,
    `${bundles} bundles, ${tiles} tiles, ${partials} other partial ones and ${checkpoints} other checkpoints agree ` +
      `(${seconds} s)`,
  ]
  if (ahead > 0) lines.push(`${ahead} partial ones are wider than the checkpoint and were not checked`)
  return `${lines.join('\n')}\n`
}

/** Paths and messages can come from a foreign log, and must not steer the terminal. */
export const describeFinding = ({ code, path, message }: AuditFinding): string =>
  `${code}: ${path === undefined ? '' : `${printable(path)}: `}${printable(message)}`

/** Progress on a terminal, with the rate and the time left. */
export const progressBar = (context: CliContext, unit: string) => {
  if (!context.stderr.isTTY) return undefined
  const bar = new SingleBar(
    {
      format: `{bar} {percentage} % | {value} of {total} ${unit} | {rate}/s | {eta_formatted} left`,
      stream: context.stderr,
      hideCursor: null,
      etaBuffer: 200,
    },
    Presets.legacy,
  )
  const start = performance.now()
  bar.start(0, 0, { rate: 0 })
  return {
    update: (done: number, size: number): void => {
      bar.setTotal(size)
      bar.update(done, { rate: Math.round((done * 1000) / Math.max(1, performance.now() - start)) })
    },
    stop: () => bar.stop(),
  }
}
