import { accuracy } from './accuracy.js'
import { allow } from './allow.js'
import { auditlog } from './auditlog.js'
import { block } from './block.js'
import { capture } from './capture.js'
import { chain } from './chain.js'
import { ctl } from './ctl.js'
import type { ActionDefinition } from './definition.js'
import { deny } from './deny.js'
import { drop } from './drop.js'
import { expirevar } from './expirevar.js'
import { id } from './id.js'
import { initcol } from './initcol.js'
import { log } from './log.js'
import { logdata } from './logdata.js'
import { maturity } from './maturity.js'
import { msg } from './msg.js'
import { multiMatch } from './multi-match.js'
import { noauditlog } from './noauditlog.js'
import { nolog } from './nolog.js'
import { pass } from './pass.js'
import { phase } from './phase.js'
import { redirect } from './redirect.js'
import { rev } from './rev.js'
import { setenv } from './setenv.js'
import { setrsc } from './setrsc.js'
import { setsid } from './setsid.js'
import { setuid } from './setuid.js'
import { setvar } from './setvar.js'
import { severity } from './severity.js'
import { skipAfter } from './skip-after.js'
import { skip } from './skip.js'
import { status } from './status.js'
import { t } from './t.js'
import { tag } from './tag.js'
import { ver } from './ver.js'
import { xmlns } from './xmlns.js'

const REGISTRY: ReadonlyMap<string, ActionDefinition> = new Map(
  [
    accuracy,
    allow,
    auditlog,
    block,
    capture,
    chain,
    ctl,
    deny,
    drop,
    expirevar,
    id,
    initcol,
    log,
    logdata,
    maturity,
    msg,
    multiMatch,
    noauditlog,
    nolog,
    pass,
    phase,
    redirect,
    rev,
    setenv,
    setrsc,
    setsid,
    setuid,
    setvar,
    severity,
    skipAfter,
    skip,
    status,
    t,
    tag,
    ver,
    xmlns,
  ].map((definition) => [definition.name, definition]),
)

const REWRITES = 'responses are not rewritten by rules'
const MASKING = 'what the audit log masks is set where the log is configured'

/** Documented actions that are not offered, with the reason. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ['exec', 'rules do not start programs'],
  ['proxy', 'the upstream is set in the configuration'],
  ['pause', 'a rule must not hold a request'],
  ['append', REWRITES],
  ['prepend', REWRITES],
  ['deprecatevar', 'use expirevar'],
  ['sanitisearg', MASKING],
  ['sanitisematched', MASKING],
  ['sanitisematchedbytes', MASKING],
  ['sanitiserequestheader', MASKING],
  ['sanitiseresponseheader', MASKING],
])

/** The action `name` (lower case). */
export function action(name: string): ActionDefinition | undefined {
  return REGISTRY.get(name)
}

/** Why the documented action `name` is not offered; undefined when it is, or is unknown. */
export function refusedAction(name: string): string | undefined {
  return REFUSED.get(name.replace('sanitize', 'sanitise'))
}
