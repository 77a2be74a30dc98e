import { ListenerError } from './errors.js'
import type { Listener, ListenerName, ListenOptions } from './listener.js'
import { listenNode } from './node/listen.js'
import { type SelfTestResult, selfTest } from './self-test.js'
import { listenUws } from './uws/listen.js'

export type ListenerChoice = ListenerName | 'auto'

export interface Picked {
  readonly name: ListenerName
  /** A sentence for the start banner. */
  readonly why: string
}

/** Binds with the named listener. @throws ListenerError. */
export function listen(name: ListenerName, options: ListenOptions): Promise<Listener> {
  return name === 'node' ? listenNode(options) : listenUws(options)
}

/**
 * Decides which listener to use. `auto` takes the fastest that keeps the listener rule in a self-test made here and now; a
 * named one is taken as it is.
 *
 * @throws ListenerError `SELF_TEST_FAILED` when no listener keeps the rule.
 */
export async function pickListener(
  choice: ListenerChoice,
  needs: { readonly tls: boolean },
): Promise<Picked> {
  if (choice !== 'auto') return { name: choice, why: `asked for with --listener ${choice}` }
  const uws = needs.tls ? 'uws has no TLS' : await verdict(listenUws, 'uws')
  if (uws === undefined) return { name: 'uws', why: 'the fastest, and it passed the self-test' }
  const node = await verdict(listenNode, 'node')
  if (node === undefined) return { name: 'node', why: `it passed the self-test; ${uws}` }
  throw new ListenerError(
    'SELF_TEST_FAILED',
    `no listener delivers exactly what clients send: ${uws}; ${node}`,
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
  const picked = await pickListener(choice, { tls: options.tls !== undefined })
  return { listener: await listen(picked.name, options), why: picked.why }
}

/** Undefined when the listener keeps the rule, else why it does not do. */
async function verdict(
  listen: (options: ListenOptions) => Promise<Listener>,
  name: ListenerName,
): Promise<string | undefined> {
  let result: SelfTestResult
  try {
    result = await selfTest(listen)
  } catch (error) {
    return error instanceof ListenerError ? `${name} cannot run: ${error.message}` : Promise.reject(error)
  }
  const failure = result.failures[0]
  return failure === undefined
    ? undefined
    : `${name} failed the self-test (${failure.name}: ${failure.problem})`
}
