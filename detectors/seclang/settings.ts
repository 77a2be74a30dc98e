/** `On`, `DetectionOnly`, `Off` of SecRuleEngine. */
export type EngineMode = 'on' | 'detection_only' | 'off'

/** What the directives of a rule set say, with their defaults. Sizes are bytes. */
export interface Settings {
  readonly engine: EngineMode
  readonly requestBodyAccess: boolean
  readonly responseBodyAccess: boolean
  /** Media types (lower case, without parameters) whose response bodies are judged. */
  readonly responseMimeTypes: readonly string[]
  /** Undefined where no directive set it: then the gateway's own limit stands. */
  readonly requestBodyLimit: number | undefined
  readonly requestBodyNoFilesLimit: number | undefined
  readonly requestBodyLimitAction: 'reject' | 'process_partial'
  readonly responseBodyLimit: number | undefined
  readonly responseBodyLimitAction: 'reject' | 'process_partial'
  readonly argumentsLimit: number
  readonly jsonDepthLimit: number
  readonly argumentSeparator: string
  readonly cookieSeparator: string
  readonly uploadFileLimit: number
  /** Seconds after which a persistent record that nobody opened is forgotten. */
  readonly collectionTimeout: number
  readonly webAppId: string
  readonly auditEngine: 'on' | 'off' | 'relevant_only'
}

export const DEFAULT_SETTINGS: Settings = {
  engine: 'on',
  requestBodyAccess: true,
  responseBodyAccess: false,
  responseMimeTypes: ['text/plain', 'text/html'],
  requestBodyLimit: undefined,
  requestBodyNoFilesLimit: undefined,
  requestBodyLimitAction: 'reject',
  responseBodyLimit: undefined,
  responseBodyLimitAction: 'process_partial',
  argumentsLimit: 1000,
  jsonDepthLimit: 512,
  argumentSeparator: '&',
  cookieSeparator: ';',
  uploadFileLimit: 100,
  collectionTimeout: 3600,
  webAppId: 'default',
  auditEngine: 'on',
}
