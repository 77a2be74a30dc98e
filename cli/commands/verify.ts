import { open } from 'node:fs/promises'
import type { Command } from 'commander'

import { MAX_POLICY_BYTES } from '../../proofs/policy.js'
import { MAX_RECEIPT_BYTES } from '../../proofs/receipt.js'
import { verificationReport } from '../../proofs/report.js'
import type { Verification } from '../../proofs/verification.js'
import { verifyBundle } from '../../proofs/verify.js'
import type { CliContext } from '../context.js'

interface VerifyFlags {
  readonly trust: string
  readonly json?: boolean
}

/** `portcullis verify`: needs no data folder, no configuration and no network. */
export const registerVerify = (program: Command, context: CliContext): void => {
  program
    .command('verify')
    .description('check a receipt offline: exit 0 when it holds, 1 with the code of what does not')
    .argument('<file>', 'a receipt, as `ledger receipt` writes it')
    .requiredOption('--trust <policyfile>', 'the keys that you trust, as `ledger policy` prints them')
    .option('--json', 'every check, as one JSON object on standard output')
    .action(async (file: string, flags: VerifyFlags) => {
      const receipt = await readBounded(file, MAX_RECEIPT_BYTES)
      const policy = await readBounded(flags.trust, MAX_POLICY_BYTES)
      if (receipt === undefined || policy === undefined) {
        const large = receipt === undefined ? file : flags.trust
        if (flags.json)
          context.stdout.write(`${JSON.stringify({ ok: false, code: 'too_large', checks: [] })}\n`)
        context.stderr.write(`too_large: ${large} is larger than any such file can be\n`)
        context.setExitCode(1)
        return
      }
      const result = verifyBundle(receipt, policy, { clock: { now: () => Date.now() } })
      if (flags.json) context.stdout.write(`${JSON.stringify(verificationReport(result))}\n`)
      if (result.ok) {
        if (!flags.json) context.stdout.write(`${summary(result)}\n`)
        return
      }
      const failed = result.checks.find((check) => check.result === 'fail')
      context.stderr.write(`${result.code ?? 'not_checked'}: ${failed?.message ?? 'a check was not made'}\n`)
      context.setExitCode(1)
    })
}

/** The file, or undefined when it is over the limit; no more than that is ever held. */
const readBounded = async (path: string, limit: number): Promise<Uint8Array | undefined> => {
  const handle = await open(path, 'r')
  try {
    const buffer = Buffer.alloc(limit + 1)
    let filled = 0
    while (filled < buffer.length) {
      const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return filled > limit ? undefined : buffer.subarray(0, filled)
  } finally {
    await handle.close()
  }
}

const summary = ({ entry, index, origin, size, signature }: Verification): string => {
  const by = signature?.type === 'seal' ? `sealed by entry ${signature.index}` : 'signed by itself'
  const where = `entry ${index} of ${size} in ${JSON.stringify(origin)}, ${by}`
  if (entry === undefined || entry.type === 'seal') return `ok: ${where}`
  const { agent, kind, id } = entry.action
  return `ok: ${kind} ${id} of ${agent}: ${where}`
}
