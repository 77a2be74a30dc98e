/** Names kept at most, and their length; any other is judged anew each time, for anybody may send any name. */
const MAX_NAMES = 1024
const MAX_LENGTH = 64

/**
 * What a function says of the name of a field, found out once for each: names repeat from message to message. They are told
 * apart by case.
 */
export function byName<T extends {} | null>(judge: (name: string) => T): (name: string) => T {
  const known = new Map<string, T>()
  return (name) => {
    const found = known.get(name)
    if (found !== undefined) return found
    const judged = judge(name)
    if (known.size < MAX_NAMES && name.length <= MAX_LENGTH) known.set(name, judged)
    return judged
  }
}
