import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Put together here so that this source file is not itself found. */
export const EICAR = 'X5O!P%@AP[4\\PZX54(P^)7CC)7}$' + 'EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'

export const sha256 = (content: string | Buffer): string => createHash('sha256').update(content).digest('hex')

/** A folder with one of each: found by hash, by YARA, clean, and what cannot be judged. */
export function sampleFolder(folder: string): {
  readonly list: string
  readonly rules: string
  readonly tree: string
} {
  const tree = join(folder, 'tree')
  mkdirSync(join(tree, 'sub'), { recursive: true })
  writeFileSync(join(tree, 'eicar.com'), EICAR)
  writeFileSync(join(tree, 'listed.bin'), 'a listed file')
  writeFileSync(join(tree, 'sub', 'marked.txt'), 'has the marker-of-this-test inside')
  writeFileSync(join(tree, 'sub', 'odd.txt'), 'has an odd-sign inside')
  writeFileSync(join(tree, 'clean.txt'), 'nothing to see')
  writeFileSync(join(tree, 'empty'), '')
  symlinkSync('/nowhere/at/all', join(tree, 'dangling'))
  execFileSync('mkfifo', [join(tree, 'pipe')])
  const list = join(folder, 'list.txt')
  writeFileSync(list, `# a list\n${sha256('a listed file')} Listed.File\n`)
  const rules = join(folder, 'rules.yar')
  writeFileSync(
    rules,
    'rule Marker { strings: $a = "marker-of-this-test" condition: $a }\n' +
      'rule Odd : suspicious { strings: $a = "odd-sign" condition: $a }\n',
  )
  return { list, rules, tree }
}
