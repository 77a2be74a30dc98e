import type { Logger } from 'pino'
import { readSecret } from '../../../runtime/secret.js'
import type { Agent, Dispatch, Dispatched } from '../agent.js'
import type { AgentConfigOf } from '../config.js'
import { AgentError } from '../errors.js'
import type { RunResult } from '../run.js'
import { confinementOf, type Confine } from './confinement.js'
import { endLeftovers, execute, type Ending } from './execute.js'
import { readResult } from './output.js'
import { PRESETS } from './presets.js'

/** An agent that is a program: it gets its task on standard input, as JSON, and answers with JSON on standard output. */
export class CommandAgent implements Agent {
  readonly type = 'command'
  readonly id: string
  readonly #stopping = new AbortController()

  private constructor(
    readonly config: AgentConfigOf<'command'>,
    readonly confine: Confine,
    readonly environment: Readonly<Record<string, string>>,
    readonly log: Logger,
    readonly now: () => number,
  ) {
    this.id = config.id
  }

  /**
   * @param data the data folder, which the program must not reach
   * @throws AgentError `AGENT_SANDBOX`, RuntimeError `SECRET_…`
   */
  static async start(
    config: AgentConfigOf<'command'>,
    deps: { readonly data: string; readonly log: Logger; readonly now: () => number },
  ): Promise<CommandAgent> {
    const confine = await confinementOf(config, deps.data)
    const environment: Record<string, string> = config.preset ? { ...PRESETS[config.preset].environment } : {}
    for (const [name, reference] of Object.entries(config.environment))
      environment[name] = await readSecret(reference)
    return new CommandAgent(config, confine, environment, deps.log, deps.now)
  }

  async dispatch(dispatch: Dispatch, signal: AbortSignal): Promise<Dispatched> {
    const { run, incident, attempt, deadline, instructions, data, resumed } = dispatch
    // One that outlived us works on: its answer can reach nobody, and two must not work on the same.
    if (resumed) await endLeftovers(run)
    const { preset, command } = this.config
    const ending = await execute({
      run,
      command: command ?? (preset === undefined ? [] : PRESETS[preset].command),
      confine: this.confine,
      sandboxed: this.config.sandbox !== undefined,
      environment: this.environment,
      // No address and no token: what it has to say it says on standard output.
      input: JSON.stringify({ run_id: run, incident, attempt, deadline, instructions, data }),
      maxOutputBytes: this.config.max_output_bytes,
      signal: AbortSignal.any([signal, this.#stopping.signal]),
      timeLimit: Math.max(0, deadline - this.now()),
    })
    if (ending.kind !== 'exited' || ending.status !== 0)
      this.log.warn(
        { agent: this.id, run, ending: ending.kind, stderr: ending.error },
        'a command agent failed',
      )
    return { kind: 'completed', result: this.#result(run, ending) }
  }

  async close(): Promise<void> {
    this.#stopping.abort()
  }

  #result(run: string, ending: Ending): RunResult {
    const failed = (summary: string, status: 'failed' | 'timeout' = 'failed'): RunResult => ({
      run_id: run,
      status,
      summary,
      proposed_actions: [],
    })
    switch (ending.kind) {
      case 'stopped':
        throw new AgentError('AGENT_UNREACHABLE', 'the role stops, the run starts anew', { retryable: true })
      case 'not_started':
        return failed(`its program cannot be started: ${ending.error}`)
      case 'timeout':
        return failed('its program took too long and was ended', 'timeout')
      case 'too_much_output':
        return failed(`its program wrote more than ${this.config.max_output_bytes} bytes and was ended`)
      case 'exited':
        if (ending.status !== 0) return failed(`its program ended with status ${ending.status}`)
        try {
          return readResult(ending.output, run)
        } catch (error) {
          if (error instanceof AgentError) return failed(error.message)
          throw error
        }
    }
  }
}
