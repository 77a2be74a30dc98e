/** Everything that `runtime/` can fail with. */
export type RuntimeErrorCode =
  | 'CONFIG_INVALID'
  | 'CONFIG_UNREADABLE'
  | 'DATA_FOLDER_LINK'
  | 'DATA_FOLDER_OWNER'
  | 'DATA_FOLDER_UNWRITABLE'
  | 'KEY_FILE_EXPOSED'
  | 'KEY_FILE_LINK'
  | 'KEY_FILE_TOO_LARGE'
  | 'KEY_FILE_UNREADABLE'
  | 'LISTEN_FAILED'
  | 'OUTBOX_CLOSED'
  | 'OUTBOX_FULL'
  | 'OUTBOX_ITEM_TOO_LARGE'
  | 'OUTBOX_OPEN'
  | 'OUTBOX_WRITE'
  | 'ROLE_NOT_READY'
  | 'ROLE_SPAWN'
  | 'OUTBOUND_FAILED'
  | 'OUTBOUND_REFUSED'
  | 'DOWNLOAD_FAILED'
  | 'DOWNLOAD_TOO_LARGE'
  | 'SECRET_MISSING'
  | 'SECRET_PROVIDER'
  | 'SOCKET'

/** A failure of something that every role shares. The message is fit for an operator; `cause` holds what was caught. */
export class RuntimeError extends Error {
  override readonly name = 'RuntimeError'

  constructor(
    readonly code: RuntimeErrorCode,
    message: string,
    options?: { readonly cause?: unknown },
  ) {
    super(message, options)
  }
}

/** The message of anything that was thrown, without a stack. */
export const messageOf = (thrown: unknown): string =>
  thrown instanceof Error ? thrown.message : String(thrown)

/** The stable code of anything that was thrown: ours, or Node's (`ENOENT`); undefined when it has none. */
export const codeOf = (thrown: unknown): string | undefined =>
  thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined
