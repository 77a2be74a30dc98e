import type { Command } from 'commander'

import { MAX_BUNDLE_BYTES } from '../../proofs/bundle.js'
import { MAX_OPENING_BYTES, openCommitment, parseOpening } from '../../proofs/commitment.js'
import { attempt, ProofError } from '../../proofs/errors.js'
import { MAX_POLICY_BYTES } from '../../proofs/policy.js'
import { verificationReport } from '../../proofs/report.js'
import type { Verification } from '../../proofs/verification.js'
import { outboundConfig } from '../../runtime/outbound.js'
import { fetchBounded, readBounded } from '../bounded-input.js'
import type { CliContext } from '../context.js'
import { UsageError } from '../context.js'
import { printable } from '../printable.js'
import { isEquivocationProof, reportEquivocation } from '../verify-equivocation.js'
import { anchorLine, chainFlags, verifyWithChain } from '../verify-chain.js'
import type { ChainFlags } from '../verify-chain.js'

interface VerifyFlags extends ChainFlags {
  readonly policy?: string
  readonly trust?: string
  readonly session?: string
  readonly allow?: readonly string[]
  readonly json?: boolean
  readonly opening?: readonly string[]
}

/** `portcullis verify`: needs no data folder and no configuration, and no network unless it is given a URL or an RPC endpoint. */
export const registerVerify = (program: Command, context: CliContext): void => {
  chainFlags(program.command('verify'))
    .description(
      'check a receipt or the bundle of a session: exit 0 when it holds, 1 with the code of what does not; a proof that a ' +
        'log signed two histories gives equivocation',
    )
    .argument('<file>', 'as `ledger receipt` or `ledger bundle` writes it; or an http(s) URL of one')
    .option('--policy <file>', 'the keys that you trust, as `ledger policy` prints them')
    .option('--trust <policyfile>', 'the same as --policy')
    .option('--session <name>', 'the session that it must be of')
    .option('--allow <cidr>', 'private address range that the URL may be at (repeatable)', collect)
    .option(
      '--opening <file>',
      'a body that a receipt must commit to, as `ledger body --opening` writes it (repeatable)',
      collect,
    )
    .option('--json', 'every check, as one JSON object on standard output')
    .addHelpText('after', '\nThe policy is always a file of yours: nothing that a server says is trusted.')
    .action(async (file: string, flags: VerifyFlags) => {
      const policyFile = policyOf(flags)
      const bundle = await read(file, flags)
      const policy = await readBounded(policyFile, MAX_POLICY_BYTES)
      if (bundle === undefined || policy === undefined) {
        const large = bundle === undefined ? file : policyFile
        if (flags.json)
          context.stdout.write(`${JSON.stringify({ ok: false, code: 'too_large', checks: [] })}\n`)
        context.stderr.write(`too_large: ${large} is larger than any such file can be\n`)
        context.setExitCode(1)
        return
      }
      if (isEquivocationProof(bundle)) return reportEquivocation(bundle, policy, context, flags.json)
      const result = await verifyWithChain(bundle, policy, flags, {
        clock: { now: () => Date.now() },
        ...(flags.session !== undefined && { session: flags.session }),
      })
      // Only what is proven is held against a body.
      const opened = result.ok ? await openings(result, flags.opening ?? []) : []
      if (opened instanceof ProofError) {
        const { machineCode: code, message } = opened
        if (flags.json)
          context.stdout.write(`${JSON.stringify({ ...verificationReport(result), ok: false, code })}\n`)
        context.stderr.write(`${code}: ${message}\n`)
        context.setExitCode(1)
        return
      }
      if (flags.json) {
        const bodies = flags.opening === undefined ? {} : { openings: opened }
        context.stdout.write(`${JSON.stringify({ ...verificationReport(result), ...bodies })}\n`)
      }
      if (result.ok) {
        const lines = [summary(result), ...anchorLine(result, flags), ...opened.map(openingLine)]
        if (!flags.json) context.stdout.write(lines.map((line) => `${line}\n`).join(''))
        return
      }
      const failed = result.checks.find((check) => check.result === 'fail')
      context.stderr.write(`${result.code ?? 'not_checked'}: ${failed?.message ?? 'a check was not made'}\n`)
      context.setExitCode(1)
    })
}

interface Opened {
  readonly file: string
  /** Members of the action that are commitments to it. */
  readonly members: readonly string[]
}

/** @returns a ProofError for a body that the entry does not commit to */
const openings = async (
  { entry }: Verification,
  files: readonly string[],
): Promise<readonly Opened[] | ProofError> => {
  if (files.length > 0 && (entry === undefined || entry.type === 'seal'))
    throw new UsageError('--opening needs the receipt of an action')
  const opened: Opened[] = []
  for (const file of files) {
    const bytes = await readBounded(file, MAX_OPENING_BYTES + 1)
    if (bytes === undefined) return new ProofError('too_large', `${file} is larger than any opening`)
    if (entry === undefined || entry.type === 'seal') continue
    const { action } = entry
    const outcome = attempt(() => openCommitment(action, parseOpening(bytes)))
    if ('error' in outcome) return outcome.error
    opened.push({ file, members: outcome.value })
  }
  return opened
}

const openingLine = ({ file, members }: Opened): string =>
  `ok: ${printable(file)} is what ${members.join(', ')} commits to`

const collect = (value: string, previous: readonly string[] = []): readonly string[] => [...previous, value]

const policyOf = ({ policy, trust }: VerifyFlags): string => {
  const file = policy ?? trust
  if (file === undefined || (policy !== undefined && trust !== undefined))
    throw new UsageError('one of --policy and --trust names the file with the keys that you trust')
  return file
}

const read = (file: string, { allow = [] }: VerifyFlags): Promise<Uint8Array | undefined> => {
  if (!/^https?:/i.test(file)) return readBounded(file, MAX_BUNDLE_BYTES)
  const outbound = outboundConfig.safeParse({ allow })
  if (!outbound.success)
    throw new UsageError(`--allow: ${outbound.error.issues.map(({ message }) => message).join('; ')}`)
  return fetchBounded(file, MAX_BUNDLE_BYTES, outbound.data)
}

const summary = ({ entry, index, origin, size, signature, session }: Verification): string => {
  if (session !== undefined) {
    const tail = session.state === 'open' ? ', so that what came last could be missing' : ''
    return (
      `ok: session ${session.name}, ${session.state}${tail}: ${session.entries} entries of ` +
      `${session.agents.map(({ agent, count }) => `${agent} (${count})`).join(', ')} in ${JSON.stringify(origin)}`
    )
  }
  const by = signature?.type === 'seal' ? `sealed by entry ${signature.index}` : 'signed by itself'
  const where = `entry ${index} of ${size} in ${JSON.stringify(origin)}, ${by}`
  if (entry === undefined || entry.type === 'seal') return `ok: ${where}`
  const { agent, kind, id } = entry.action
  return `ok: ${kind} ${id} of ${agent}: ${where}`
}
