import type { IpSet } from '../ip-set.js'
import type { Phase } from '../phase.js'
import { policyMatch } from '../policy-match.js'

/** Phase 2: banned addresses. An address that cannot be read cannot be looked up, and the verdict says so. */
export function ipBlock(banned: IpSet): Phase {
  return {
    name: 'ip_block',
    onClient({ tx }) {
      const listed = banned.has(tx.client.address)
      if (listed === undefined) tx.truncate('client_address')
      if (listed !== true) return undefined
      const match = policyMatch('ip_block', {
        msg: 'Client address is banned',
        variable: 'REMOTE_ADDR',
        sample: tx.client.address,
        severity: 4,
      })
      return { kind: 'block', reason: 'client address is banned', match }
    },
  }
}
