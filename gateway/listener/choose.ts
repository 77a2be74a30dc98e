import { ListenerError } from './errors.js'
import type { Listener, ListenerName, ListenOptions } from './listener.js'
import { listenNode } from './node/listen.js'
import { type SelfTestResult, selfTest } from './self-test.js'
import { listenStrict, STRICT_SHARES_PORT } from './strict/listen.js'
import { listenUws } from './uws/listen.js'

export type ListenerChoice = ListenerName | 'auto'

export interface Picked {
  readonly name: ListenerName
  /** A sentence for the start banner. */
  readonly why: string
}

const LISTEN: Readonly<Record<ListenerName, (options: ListenOptions) => Promise<Listener>>> = {
  strict: listenStrict,
  node: listenNode,
  uws: listenUws,
}

/** What is asked of a listener before it is bound. */
export interface ListenerNeeds {
  readonly tls: boolean
  /** Threads that would serve one port. */
  readonly threads: number
}

/** Binds with the named listener. @throws ListenerError. */
export function listen(name: ListenerName, options: ListenOptions): Promise<Listener> {
  return LISTEN[name](options)
}

/** Whether several threads of this process can listen on one port with this listener. */
export function sharesPort(name: ListenerName): boolean {
  return name === 'uws' || (name === 'strict' && STRICT_SHARES_PORT)
}

/**
 * Decides which listener to use. `auto` takes the first that keeps the listener rule in a self-test made here and now: our
 * own, before uws when several threads are asked for and ours cannot share a port, and node's. A named one is taken as it
 * is.
 *
 * @throws ListenerError `SELF_TEST_FAILED` when no listener keeps the rule.
 */
export async function pickListener(choice: ListenerChoice, needs: ListenerNeeds): Promise<Picked> {
  if (choice !== 'auto') return { name: choice, why: `asked for with --listener ${choice}` }
  const order: readonly ListenerName[] =
    needs.threads > 1 && !sharesPort('strict') ? ['uws', 'strict', 'node'] : ['strict', 'node']
  const problems: string[] = []
  for (const name of order) {
    const problem = await unfit(name, needs)
    if (problem === undefined) return { name, why: ['it passed the self-test', ...problems].join('; ') }
    problems.push(problem)
  }
  throw new ListenerError(
    'SELF_TEST_FAILED',
    `no listener delivers exactly what clients send: ${problems.join('; ')}`,
  )
}

/**
 * {@link pickListener}, then {@link listen}.
 *
 * @throws ListenerError.
 */
export async function chooseListener(
  choice: ListenerChoice,
  options: ListenOptions,
): Promise<{ readonly listener: Listener; readonly why: string }> {
  const picked = await pickListener(choice, { tls: options.tls !== undefined, threads: 1 })
  return { listener: await listen(picked.name, options), why: picked.why }
}

/** Undefined when the listener keeps the rule, else why it does not do. */
async function unfit(name: ListenerName, { tls }: ListenerNeeds): Promise<string | undefined> {
  if (tls && name === 'uws') return 'uws has no TLS'
  let result: SelfTestResult
  try {
    result = await selfTest(LISTEN[name])
  } catch (error) {
    return error instanceof ListenerError ? `${name} cannot run: ${error.message}` : Promise.reject(error)
  }
  const failure = result.failures[0]
  return failure === undefined
    ? undefined
    : `${name} failed the self-test (${failure.name}: ${failure.problem})`
}
