import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Makes `own/name` under `folder`, of one commit, bare, as the trainer keeps it. @returns the commit */
export function bareRepository(folder: string, files: Record<string, string | Buffer>): string {
  const tree = join(folder, 'tree')
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(tree, name, '..'), { recursive: true })
    writeFileSync(join(tree, name), content)
  }
  const git = (...args: string[]): string =>
    execFileSync('git', ['-C', tree, '-c', 'user.name=a', '-c', 'user.email=a@b', ...args], {
      encoding: 'utf8',
    }).trim()
  git('init', '-q')
  git('add', '-A')
  git('commit', '-q', '-m', 'all')
  execFileSync('git', ['clone', '-q', '--bare', tree, join(folder, 'own+name.git')])
  return git('rev-parse', 'HEAD')
}
