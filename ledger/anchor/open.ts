import { join } from 'node:path'
import type { PolicyAnchor } from '../../proofs/anchor-policy.js'
import type { Log } from '../log.js'
import type { LedgerRoleOptions } from '../role.js'
import type { Witnessing } from '../witnessing/witnessing.js'
import { anchorableLog } from './anchorable-log.js'
import type { Anchoring } from './anchoring.js'
import { AnchorArchive, openAnchorStore } from './archive.js'

/**
 * The anchoring of a log as its configuration says: of a log with witnesses, only what their quorum cosigned is anchored.
 *
 * @returns `undefined` when no chain is configured
 * @throws what `openAnchoring` throws
 */
export async function openAnchors(
  log: Log,
  {
    data,
    config,
    outbound,
    clock,
    log: logger,
    env,
  }: Omit<LedgerRoleOptions, 'topic' | 'events' | 'onFatal'>,
  witnessing: Witnessing | undefined,
): Promise<Anchoring | undefined> {
  if (config.anchors.length === 0) return undefined
  // Most ledgers have no chain, and the code for one takes its time to load.
  const { openAnchoring } = await import('./anchoring.js')
  return openAnchoring({
    folder: join(data, 'ledger'),
    config: config.anchors,
    outbound: outbound ?? { allow: [] },
    log: anchorableLog(log, () => (witnessing === undefined ? log.published : witnessing.witnessed)),
    clock,
    logger,
    env,
  })
}

/**
 * What a verifier pins to believe the anchors that are configured, while nothing is anchored.
 *
 * @throws AnchorError `ANCHOR_KEY`, and what reading a secret throws: the address of an account comes from its key
 */
export async function anchorPins({
  config,
  env,
}: Pick<LedgerRoleOptions, 'config' | 'env'>): Promise<readonly PolicyAnchor[]> {
  if (config.anchors.length === 0) return []
  const { pinOf } = await import('./anchoring.js')
  const { readAccount } = await import('./account.js')
  return Promise.all(
    config.anchors.map(async (anchor) => pinOf(anchor, (await readAccount(anchor.key, env)).address)),
  )
}

/** What was anchored so far, for a command while no writer runs; `undefined` when no chain is configured. */
export function openArchive({
  data,
  config,
}: Pick<LedgerRoleOptions, 'data' | 'config'>): AnchorArchive | undefined {
  if (config.anchors.length === 0) return undefined
  return new AnchorArchive(openAnchorStore(join(data, 'ledger')), config.anchors)
}
