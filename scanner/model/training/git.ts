import { execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

export interface Blob {
  readonly id: string
  readonly path: string
  /** Bytes. */
  readonly size: number
}

/** A bare repository under `folder` that holds `commit`, cloned from GitHub when it is not there. Nothing is checked out. */
export function repositoryAt(folder: string, name: string, commit: string): string {
  const path = join(folder, `${name.replace('/', '+')}.git`)
  if (!existsSync(path))
    execFileSync('git', ['clone', '--quiet', '--bare', `https://github.com/${name}.git`, path], {
      stdio: 'inherit',
    })
  try {
    execFileSync('git', ['-C', path, 'cat-file', '-e', `${commit}^{commit}`], { stdio: 'pipe' })
  } catch (cause) {
    throw new Error(`${path} does not hold the commit ${commit} of ${name}`, { cause })
  }
  return path
}

/** The regular files of a commit, in the order of their paths. */
export function blobsOf(repository: string, commit: string): Blob[] {
  const listing = execFileSync('git', ['-C', repository, 'ls-tree', '-r', '-z', '--long', commit], {
    maxBuffer: 256 * 1024 * 1024,
  }).toString('utf8')
  return listing.split('\0').flatMap((line) => {
    const match = /^100\d{3} blob ([0-9a-f]+) +(\d+)\t(.*)$/s.exec(line)
    return match ? [{ id: match[1] ?? '', size: Number(match[2]), path: match[3] ?? '' }] : []
  })
}

/** The contents of blobs, in the order asked for, read through one `git cat-file`. */
export async function* contentsOf(repository: string, ids: readonly string[]): AsyncGenerator<Buffer> {
  const git = spawn('git', ['-C', repository, 'cat-file', '--batch'], { stdio: ['pipe', 'pipe', 'inherit'] })
  git.stdin.end(ids.map((id) => `${id}\n`).join(''))
  let pending: Buffer = Buffer.alloc(0)
  let parts: Buffer[] = []
  let wanted = -1
  let held = 0
  for await (const chunk of git.stdout as AsyncIterable<Buffer>) {
    parts.push(chunk)
    held += chunk.length
    while (held >= Math.max(wanted, 1)) {
      pending = parts.length === 1 ? (parts[0] ?? pending) : Buffer.concat(parts)
      if (wanted < 0) {
        const line = pending.indexOf(0x0a)
        if (line < 0) break
        const header = /^[0-9a-f]+ blob (\d+)$/.exec(pending.toString('latin1', 0, line))
        if (!header) throw new Error(`${repository}: git said ${pending.toString('latin1', 0, line)}`)
        wanted = Number(header[1]) + 1
        pending = pending.subarray(line + 1)
      } else {
        yield pending.subarray(0, wanted - 1)
        pending = pending.subarray(wanted)
        wanted = -1
      }
      parts = [pending]
      held = pending.length
    }
  }
}
