import { encodeBase64 } from '../proofs/base64.js'
import {
  EQUIVOCATION_FORMAT,
  parseEquivocationProof,
  verifyEquivocationProof,
} from '../proofs/equivocation-proof.js'
import { attempt } from '../proofs/errors.js'
import { parsePolicy } from '../proofs/policy.js'
import type { CliContext } from './context.js'
import { printable } from './printable.js'

const MARK = Buffer.from(`"format":"${EQUIVOCATION_FORMAT}"`)

/** Whether a file says that it convicts a log; whether it does is for {@link reportEquivocation}. */
export const isEquivocationProof = (bytes: Uint8Array): boolean => Buffer.from(bytes).includes(MARK)

/**
 * Judges a proof of equivocation by the log keys of a policy. The exit code is 1 either way: a log that is convicted
 * proves nothing, and neither does a file that convicts nobody.
 */
export const reportEquivocation = (
  bytes: Uint8Array,
  policy: Uint8Array,
  context: CliContext,
  asJson: boolean | undefined,
): void => {
  const judged = attempt(() => {
    const keys = parsePolicy(policy).logs.map(({ verifier }) => verifier)
    return verifyEquivocationProof(parseEquivocationProof(bytes), keys)
  })
  context.setExitCode(1)
  if ('error' in judged) {
    const { machineCode: code, message } = judged.error
    if (asJson) context.stdout.write(`${JSON.stringify({ ok: false, code, checks: [] })}\n`)
    context.stderr.write(`${code}: ${message}\n`)
    return
  }
  const { origin, size, roots } = judged.value
  const equivocation = { origin, size, roots: roots.map(encodeBase64) }
  if (asJson)
    context.stdout.write(`${JSON.stringify({ ok: false, code: 'equivocation', equivocation, checks: [] })}\n`)
  context.stderr.write(
    `equivocation: ${printable(origin)} signed two roots of ${size} entries: ${equivocation.roots.join(' and ')}\n`,
  )
}
