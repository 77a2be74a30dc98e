/** Path of a key: names of objects, indexes of lists. */
export type KeyPath = readonly (string | number)[]

export type ConfigTree = { [key: string]: unknown }

export const isTree = (value: unknown): value is ConfigTree =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The path as it is written in messages: `gateway.sites[0].upstream`. */
export const showPath = (path: KeyPath): string =>
  path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : text === '' ? key : `${text}.${key}`),
    '',
  )

/** Whether `path` is `prefix` or lies below it. */
export const isBelow = (path: KeyPath, prefix: KeyPath): boolean =>
  prefix.length <= path.length && prefix.every((key, index) => path[index] === key)

export const getAt = (tree: unknown, path: KeyPath): unknown => {
  let value = tree
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = Reflect.get(value, key)
  }
  return value
}

/**
 * Sets a value below the root, making the objects on the way. A value in the way that is not an object is replaced: what
 * comes later wins. Two objects are merged.
 */
export const setAt = (tree: ConfigTree, path: readonly string[], value: unknown): void => {
  let target = tree
  for (const key of path.slice(0, -1)) {
    const next = Object.hasOwn(target, key) ? target[key] : undefined
    const child: ConfigTree = isTree(next) ? next : {}
    define(target, key, child)
    target = child
  }
  const last = path.at(-1)
  if (last === undefined) return
  if (isTree(value)) for (const [key, member] of Object.entries(value)) setAt(tree, [...path, key], member)
  if (!isTree(value) || !isTree(target[last])) define(target, last, value)
}

/** Own property whatever its name, `__proto__` included. */
const define = (target: ConfigTree, key: string, value: unknown): void => {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
}
