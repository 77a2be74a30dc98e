export type DetectorErrorCode =
  | 'DETECTOR_CONFIG'
  | 'DETECTOR_PHASE_UNKNOWN'
  | 'DETECTOR_PHASE_UNAVAILABLE'
  | 'DETECTOR_ADDRESS_LIST'
  | 'DETECTOR_PATH_PATTERN'
  | 'DETECTOR_PORT_MISSING'
  | 'DETECTOR_FILE'
  | 'DETECTOR_STATE'
  | 'DETECTOR_EXCLUSION_REFUSED'

/**
 * A setting that the detectors cannot honour, or a call that breaks their contract. The message names the key or the
 * file and line, the value, and what is wrong with it. Errors of rule files are `SecLangError`.
 */
export class DetectorError extends Error {
  override readonly name = 'DetectorError'

  constructor(
    readonly code: DetectorErrorCode,
    message: string,
    options?: { readonly cause?: unknown },
  ) {
    super(message, options)
  }
}
