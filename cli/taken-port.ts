import { codeOf } from '../runtime/errors.js'

/** A port or address that cannot be bound, said with the flag that changes it. */
export class ListenFailure extends Error {
  override readonly name = 'ListenFailure'
  readonly code = 'LISTEN_FAILED'
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is taken',
  EACCES: 'this user may not bind it',
  EADDRNOTAVAIL: 'this machine has no such address',
}

/** Turns a failed bind, wherever it is in the chain of causes, into one that names address and flag. */
export const explainGatewayError = (error: unknown, listen: string): unknown => {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const reason = REASONS[codeOf(cause) ?? '']
    if (reason !== undefined)
      return new ListenFailure(
        `cannot listen on ${listen}: ${reason}; choose another with --listen HOST:PORT`,
        {
          cause: error,
        },
      )
  }
  return error
}
