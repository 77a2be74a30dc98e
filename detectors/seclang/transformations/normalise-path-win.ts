import type { Transformation } from '../transformation.js'
import { normalisePath } from './normalise-path.js'

/** `normalisePath` after each backslash became a slash. */
export const normalisePathWin: Transformation = (value) => normalisePath(value.replaceAll('\\', '/'))
