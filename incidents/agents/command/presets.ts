/** How a known agent is started without anybody at its terminal. */
export interface Preset {
  readonly command: readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

/**
 * Each reads its task from standard input and answers on standard output. None is started with a flag by which it grants
 * itself what it would ask for: without a terminal it is denied. Whoever wants more writes a `command` of his own.
 */
export const PRESETS: Readonly<Record<'codex' | 'claude-code' | 'opencode', Preset>> = {
  codex: {
    command: ['codex', 'exec', '--sandbox', 'read-only', '--skip-git-repo-check', '-'],
    environment: {},
  },
  'claude-code': { command: ['claude', '-p', '--output-format', 'json'], environment: {} },
  opencode: {
    command: ['opencode', 'run'],
    // Unlike the others it allows everything unless told otherwise.
    environment: {
      OPENCODE_CONFIG_CONTENT: JSON.stringify({
        permission: { edit: 'deny', bash: 'deny', webfetch: 'deny' },
      }),
    },
  },
}
