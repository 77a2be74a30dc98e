import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Test } from 'tap'
import { statOf } from '../../../scanner/process-mark.js'

export const runs = (pid: number): boolean => {
  const state = statOf(`/proc/${pid}`)?.state
  return state !== undefined && state !== 'Z'
}

/**
 * Starts a process that has a file open until the test ends.
 * @param as `orphan`: no child of this process
 * @returns its number
 */
export async function holdFile(t: Test, path: string, as: 'orphan' | 'child'): Promise<number> {
  const program = `require('fs').openSync(${JSON.stringify(path)}); console.log(process.pid); setInterval(() => {}, 9999)`
  const quoted = `'${program.replaceAll("'", `'\\''`)}'`
  // The shell ends at once, and what it has started becomes a child of the first process.
  const child =
    as === 'child'
      ? spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
      : spawn('sh', ['-c', `'${process.execPath}' -e ${quoted} &`], { stdio: ['ignore', 'pipe', 'inherit'] })
  const gone = as === 'orphan' ? once(child, 'exit') : undefined
  const [said] = (await once(child.stdout, 'data')) as [Buffer]
  await gone
  const pid = Number(said.toString())
  t.teardown(() => {
    if (runs(pid)) process.kill(pid, 'SIGKILL')
  })
  return pid
}
