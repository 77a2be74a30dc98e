import { isAbsolute, relative } from 'node:path'

import { packageRoot } from '../runtime/package-root.js'

/** A path for people: our own files are named as they stand in the product. */
export const shortPath = (path: string): string => {
  if (!isAbsolute(path)) return path
  const below = relative(packageRoot, path)
  return below.startsWith('..') ? path : below
}
