/** What the daemon and the process that walks its folders tell each other; V8 serialisation, so that paths stay bytes. */

export interface SurveyOrder {
  readonly type: 'walk'
  /** Absolute. */
  readonly starts: readonly Uint8Array[]
  /** A folder that is passed over wherever it is met: our own. */
  readonly except: Uint8Array
  /** `<data>/scanner`, whose journal tells what is known. */
  readonly journal: string
  /** Of the rules. */
  readonly version: string
  /** Tell every file, also one that is known. */
  readonly all: boolean
  /** Look also for remembered files that are gone. */
  readonly prune: boolean
}

/** Asks for more: one for each `met`. */
export interface SurveyGoOn {
  readonly type: 'go on'
}

export interface Folder {
  readonly path: Uint8Array
  /** Device and inode: another folder may take its name. */
  readonly identity: string
  /** Whether its file system keeps to itself what other machines change. */
  readonly isSilent?: boolean
}

export type SurveyAnswer =
  | {
      readonly type: 'met'
      /** Files to judge: not known, or not as they are now. */
      readonly files: readonly Uint8Array[]
      readonly unreadable: readonly { readonly path: Uint8Array; readonly code: string }[]
      /** Each told before what is in it. */
      readonly folders: readonly Folder[]
      /** Remembered files that are gone. */
      readonly gone: readonly Uint8Array[]
      /** All files so far, known ones too. */
      readonly seen: number
      /** Where the walk is. */
      readonly at: Uint8Array
    }
  | { readonly type: 'done' }
