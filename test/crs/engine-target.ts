import { EngineTarget as Target } from '../../detectors/ftw/engine-target.js'
import { nodeRuleFiles } from '../../gateway/rule-files.js'

/** The engine alone, with rules from disk. */
export class EngineTarget extends Target {
  constructor(crs: string) {
    super(crs, nodeRuleFiles)
  }
}
