import type { RuleFiles } from './ports.js'
import { isEvaluationId } from './verdict-rule.js'

/** Ids or ranges after a directive or action that takes rules away. */
const REMOVAL =
  /(?:SecRuleRemoveById|SecRuleUpdateTargetById|SecRuleUpdateActionById|ruleRemove(?:Target)?ById\s{0,4}=)[\s"']{0,8}([\d\s,"'-]{1,400})/gi

/** The rules that people exclude by mistake, because they are named last in a log. */
const NAMED = [949_110, 949_111, 959_100, 959_101]

/** A range that is wider than this means "everything", on purpose. */
const WIDE = 50_000

/**
 * Rule files that warn, while they are loaded, about taking evaluation rules away: whoever excludes 949110 because it is
 * the rule that the log shows switches the whole Core Rule Set off. The text itself is passed on unchanged.
 */
export function guardedFiles(files: RuleFiles, warn: (message: string) => void): RuleFiles {
  return {
    expand: (pattern) => files.expand(pattern),
    read: (path) => {
      const text = files.read(path)
      for (const id of removedEvaluationRules(text)) {
        warn(
          `${path}: excludes rule ${id}, which only adds up what other rules found: without it its whole rule set refuses ` +
            'nothing; exclude the rule that scored instead (`portcullis explain` names it)',
        )
      }
      return text
    },
  }
}

/** Evaluation rules that a text takes away; comments do not count. */
export function removedEvaluationRules(text: string): readonly number[] {
  const found = new Set<number>()
  const code = text.replace(/^[ \t]{0,200}#.*$/gm, '')
  for (const [, list = ''] of code.matchAll(REMOVAL)) {
    for (const part of list.split(/[\s,"']+/)) {
      const range = /^(\d{1,10})(?:-(\d{1,10}))?$/.exec(part)
      if (range === null) continue
      const from = Number(range[1])
      const to = range[2] === undefined ? from : Number(range[2])
      if (from === to && isEvaluationId(from)) found.add(from)
      else if (to - from <= WIDE) for (const id of NAMED) if (id >= from && id <= to) found.add(id)
    }
  }
  return [...found]
}
