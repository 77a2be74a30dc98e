export const ATOMS: readonly string[] = [
  'a',
  'b',
  'c',
  'A',
  '.',
  '[ab]',
  '[^a]',
  '\\w',
  '\\W',
  '\\s',
  '[[:alpha:]]',
  '\\x62',
  ' ',
]

/** A random pattern of the syntax that automaton and RegExp share. */
export function randomPattern(random: () => number, depth: number, atoms = ATOMS): string {
  const pick = (choices: readonly string[]): string => choices[Math.floor(random() * choices.length)] ?? ''
  const kind = depth <= 0 ? 0 : Math.floor(random() * 8)
  const inner = (): string => randomPattern(random, depth - 1, atoms)
  switch (kind) {
    case 1:
      return `(${inner()})`
    case 2:
      return `(?:${inner()}|${inner()})`
    case 3:
      return `(?:${inner()})${pick(['*', '+', '?', '*?', '+?', '{1,2}', '{2}', '??'])}`
    case 4:
    case 5:
      return inner() + inner()
    case 6:
      return pick(['^', '$', '\\b', '\\B', '(?=a)', '(?!b)', '(?<=a)', '(?<!b)']) + inner()
    case 7:
      return `(?i:${inner()})`
    default:
      return pick(atoms)
  }
}
