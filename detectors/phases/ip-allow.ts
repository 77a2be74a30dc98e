import type { IpSet } from '../ip-set.js'
import type { Phase } from '../phase.js'
import { policyMatch } from '../policy-match.js'

/** Phase 1: trusted addresses leave the pipeline; the match keeps them in the log. */
export function ipAllow(trusted: IpSet): Phase {
  return {
    name: 'ip_allow',
    onClient({ tx }) {
      if (trusted.has(tx.client.address) !== true) return undefined
      const match = policyMatch('ip_allow', {
        msg: 'Client address is trusted',
        variable: 'REMOTE_ADDR',
        sample: tx.client.address,
        severity: 6,
      })
      return { kind: 'allow', reason: 'client address is trusted', match }
    },
  }
}
