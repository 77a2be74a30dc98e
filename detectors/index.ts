/**
 * The detectors as a library: judge HTTP requests without a gateway.
 *
 * @module portcullis/detectors
 */
export { Engine, type EngineOptions, type EngineResult, type JudgedRequest } from './engine.js'
export { type DetectionConfig, type DetectionConfigInput, detectionConfig } from './config.js'
export { DetectorError, type DetectorErrorCode } from './errors.js'
export { type Exclusion, writeExclusion } from './exclusion.js'
export { type ExplainedRecord, type Explanation, explainVerdict } from './explain.js'
export type { Inspection, InspectionResult } from './inspection.js'
export { IpSet } from './ip-set.js'
export { type MaskMode, maskMatch, maskSample, maskUri } from './mask.js'
export { MemoryCounterStore } from './memory-counters.js'
export { type PhaseReport, effectiveModes, parsePhaseNames } from './modes.js'
export { type Pipeline, type PipelineDeps, createPipeline } from './pipeline.js'
export type { Clock, CounterStore, GeoReader, GeoRecord, Ports, RuleFiles } from './ports.js'
export type { BodyView, ClientInfo, HeaderList, RequestHead, ResponseHead } from './request.js'
export { SecLangError, type SecLangErrorCode } from './seclang/index.js'
export {
  type Action,
  type Mode,
  PHASE_NAMES,
  type PhaseName,
  type RuleMatch,
  type Verdict,
} from './verdict.js'
