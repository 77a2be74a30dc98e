/** Lines of one metric family: its `# HELP` and `# TYPE`, then its samples. */
interface Family {
  readonly comments: string[]
  readonly samples: string[]
}

const COMMENT = /^# (?:HELP|TYPE|UNIT) ([a-zA-Z_:][a-zA-Z0-9_:]*)/

/**
 * Joins the metrics of several roles or threads (Prometheus text format 0.0.4). The format wants each family once and its
 * samples together; the parts differ in their `role` and `thread` labels, so no two samples are the same.
 */
export const mergeExposition = (texts: readonly string[]): string => {
  const families = new Map<string, Family>()
  for (const text of texts) {
    // Families that an earlier part brought have their comments already.
    const own = new Set<Family>()
    const family = (name: string): Family => {
      const known = families.get(name)
      if (known) return known
      const made: Family = { comments: [], samples: [] }
      families.set(name, made)
      own.add(made)
      return made
    }
    let current: Family | undefined
    for (const line of text.split('\n')) {
      const name = COMMENT.exec(line)?.[1]
      if (name !== undefined) {
        current = family(name)
        if (own.has(current)) current.comments.push(line)
      } else if (line !== '' && !line.startsWith('#')) {
        // `x_bucket`, `x_sum` and `x_count` stand below the comments of `x`, so a sample goes with the comments above it.
        current ??= family(line.split(/[{ ]/, 1)[0] ?? line)
        current.samples.push(line)
      }
    }
  }
  return [...families.values()]
    .map(({ comments, samples }) => [...comments, ...samples, ''].join('\n'))
    .join('')
}
