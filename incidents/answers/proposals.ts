import type { RunResult } from '../agents/run.js'
import { canonicalDigest } from '../../ledger/client/digest.js'
import { shorten } from '../../runtime/text.js'
import type { Core } from '../core.js'
import { isOver } from '../incident.js'
import type { Incident } from '../incident.js'
import { stepOf } from '../step.js'
import { EXPIRES, PROPOSABLE } from './action.js'
import type { AnswerAction } from './action.js'
import type { Answers } from './answers.js'
import type { AnswersPolicy } from './config.js'
import { aim } from './subjects.js'

type Proposal = RunResult['proposed_actions'][number]

/** Exact actions that a proposal stands for, or why it stands for none. */
export type Judged =
  { readonly actions: readonly AnswerAction[]; readonly seconds?: number } | { readonly refused: string }

/**
 * What becomes of an agent's proposal. The agent only chooses: the name of an action from a list, and a text that must be,
 * character by character, that of a subject in the evidence. The action itself is made from the evidence.
 */
export function judgeProposal(
  proposal: Proposal,
  incident: Incident,
  policy: AnswersPolicy['proposals'],
): Judged {
  const type = PROPOSABLE.find((name) => name === proposal.action)
  if (type === undefined) return { refused: 'agents may not propose this action' }
  if (!policy.allow.includes(type))
    return { refused: 'the configuration does not allow agents to propose this action' }
  if (isOver(incident)) return { refused: `the incident is ${incident.state}` }
  const { seconds = policy.max_seconds } = proposal
  if (seconds > policy.max_seconds) return { refused: `longer than ${policy.max_seconds} s` }
  const actions = aim(type, incident.evidence).filter(
    ({ subject, action }) =>
      subject === proposal.subject || ('sha256' in action && action.sha256 === proposal.subject),
  )
  if (actions.length === 0) return { refused: 'its subject is not in the evidence of this incident' }
  return { actions: actions.map(({ action }) => action), ...(EXPIRES.has(type) && { seconds }) }
}

/** Takes the proposals of a run that ended. Must run inside a transaction of the store, once for each run. */
export function takeProposals(
  incident: Incident,
  run: { readonly id: string; readonly agent: string; readonly result: RunResult },
  { core, answers }: { readonly core: Core; readonly answers: Answers },
): void {
  const policy = core.settings.answers.proposals
  for (const proposal of run.result.proposed_actions) {
    const judged = judgeProposal(proposal, incident, policy)
    const { action, subject, seconds } = proposal
    core.store.addStep(
      stepOf('proposed', core.now(), incident, {
        run: { id: run.id, agent: run.agent },
        action: {
          type: action,
          digest: canonicalDigest({
            run: run.id,
            action,
            subject: shorten(subject, 2048),
            ...(seconds && { seconds }),
          }),
        },
        by: `agent:${run.agent}`,
        ...('refused' in judged && { error: `refused: ${judged.refused}` }),
      }),
    )
    if ('refused' in judged) continue
    const approval = !policy.automatic.some((name) => name === action)
    for (const exact of judged.actions)
      answers.give({
        incident,
        action: exact,
        by: `agent:${run.agent}`,
        dry_run: false,
        approval,
        ...(judged.seconds !== undefined && { seconds: judged.seconds }),
      })
  }
}
