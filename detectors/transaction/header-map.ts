import type { HeaderList } from '../request.js'
import { sameToken } from './bytes.js'

const NO_VALUES: readonly string[] = []

/**
 * Case-insensitive lookup over headers in their order and case of arrival. There are few of them and few are asked for, so they are
 * compared where they stand.
 */
export class HeaderMap {
  constructor(readonly list: HeaderList) {}

  /** All values of `name`, in order of arrival. */
  all(name: string): readonly string[] {
    const lower = name.toLowerCase()
    let values: string[] | undefined
    for (const field of this.list) if (sameToken(field[0], lower)) (values ??= []).push(field[1])
    return values ?? NO_VALUES
  }

  /** The first value of `name`. */
  get(name: string): string | undefined {
    const lower = name.toLowerCase()
    for (const field of this.list) if (sameToken(field[0], lower)) return field[1]
    return undefined
  }

  has(name: string): boolean {
    return this.get(name) !== undefined
  }
}
