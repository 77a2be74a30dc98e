/** The number a value starts with, as C's `atoi` reads it; 0 when it starts with none. */
export function leadingInt(value: string): number {
  const match = /^[\t-\r ]*([+-]?\d{1,18})/.exec(value)
  return match === null ? 0 : Number(match[1])
}
