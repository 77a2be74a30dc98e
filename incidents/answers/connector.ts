import type { RunResult } from '../agents/run.js'
import type { Change } from '../change.js'
import type { Connector, ConnectorDeps } from '../connector.js'
import { Playbooks } from '../playbooks/playbooks.js'
import type { PlaybookPorts } from '../playbooks/playbooks.js'
import { playbookRoutes } from '../playbooks/routes.js'
import { Answers } from './answers.js'
import { registerPrograms } from './program.js'
import { takeProposals } from './proposals.js'
import { answerRoutes } from './routes.js'

export interface AnswerPorts extends PlaybookPorts {
  /** What a run of an agent ended with. */
  resultOf(run: string): RunResult | undefined
}

/** Answers, playbooks and the proposals of agents, as parts of the running role. */
export function answering(
  { core, commands }: Pick<ConnectorDeps, 'core' | 'commands'>,
  ports: AnswerPorts,
): Connector & { readonly answers: Answers } {
  const answers = new Answers(core)
  const playbooks = new Playbooks(core, answers, ports)
  const takeResult = (change: Change): void => {
    if (change.type !== 'run_completed') return
    const result = ports.resultOf(change.run)
    if (result)
      takeProposals(change.incident, { id: change.run, agent: change.agent, result }, { core, answers })
  }
  return {
    answers,
    reaction: (change) => {
      // First, so that a playbook which waits for the run sees the questions that came of it.
      takeResult(change)
      playbooks.reaction(change)
    },
    register: (queue) => {
      answers.register(queue, commands)
      playbooks.register(queue)
      registerPrograms(queue, core, answers)
    },
    routes: [...answerRoutes(core, answers), ...playbookRoutes(core, playbooks)],
    commandEvent: answers.commandEvent,
  }
}
