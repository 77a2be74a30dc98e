import { InvalidArgumentError } from 'commander'

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 }

/** A number of bytes as operators write it: `5000`, `200K`, `64M`, `1.5G` (powers of 1024). */
export function parseSize(value: string): number {
  const [, number, unit = ''] = /^(\d{1,10}(?:\.\d{1,3})?)([kmg]?)(?:i?b)?$/i.exec(value) ?? []
  const bytes = Math.floor(Number(number) * (UNITS[unit.toLowerCase()] ?? Number.NaN))
  if (!Number.isSafeInteger(bytes) || bytes < 1 || bytes > 2047 * 2 ** 20)
    throw new InvalidArgumentError('It must be a size such as 500K or 64M, at most 2047M.')
  return bytes
}
