import { parseAddress } from '../ip-address.js'
import type { IpSet } from '../ip-set.js'
import type { Phase, PhaseDecision } from '../phase.js'
import { policyMatch } from '../policy-match.js'
import type { AnswerList } from '../ports.js'

/**
 * Phase 2: banned addresses, those of the configuration and those that an incident was answered with. An address that
 * cannot be read cannot be looked up, and the verdict says so.
 */
export function ipBlock(listed: IpSet, answers?: AnswerList): Phase {
  return {
    name: 'ip_block',
    onClient({ tx }) {
      const banned = answers?.banned
      if (listed.ranges === 0 && (banned === undefined || banned.ranges === 0)) return undefined
      const address = parseAddress(tx.client.address)
      if (address === undefined) {
        tx.truncate('client_address')
        return undefined
      }
      if (listed.hasWords(address)) return refuse(tx.client.address, 'Client address is banned')
      if (banned?.hasWords(address) === true)
        return refuse(tx.client.address, 'Client address is banned for an incident')
      return undefined
    },
  }
}

function refuse(address: string, msg: string): PhaseDecision {
  const match = policyMatch('ip_block', { msg, variable: 'REMOTE_ADDR', sample: address, severity: 4 })
  return { kind: 'block', reason: `${msg.charAt(0).toLowerCase()}${msg.slice(1)}`, match }
}
