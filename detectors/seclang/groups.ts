/** Keys in `TX` of what was captured: the match, then its groups. */
export const GROUP_KEYS = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']

/** Whether a variable of `TX` is such a group. */
export function isGroup(key: string): boolean {
  return /^[0-9]$/.test(key)
}
