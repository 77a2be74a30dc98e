import { isUnserved, requestOverSocket } from '../../runtime/unix-socket.js'
import { ScanError } from '../errors.js'
import { CONTROL_SOCKET } from './server.js'

/**
 * Asks the daemon of a data folder.
 * @param folder `<data>/scanner`
 * @returns its status as JSON; undefined when none runs
 * @throws ScanError `SCAN_CONTROL` for an answer that is none
 */
export async function askDaemon(
  folder: string,
  command: 'status' | 'pause' | 'resume',
): Promise<object | undefined> {
  let answer
  try {
    answer = await requestOverSocket(folder, CONTROL_SOCKET, {
      target: `/v1/${command}`,
      method: command === 'status' ? 'GET' : 'POST',
    })
  } catch (error) {
    if (isUnserved(error)) return undefined
    throw error
  }
  const text = Buffer.from(answer.body).toString('utf8')
  const body: unknown = answer.status === 200 ? JSON.parse(text) : undefined
  if (typeof body === 'object' && body !== null) return body
  throw new ScanError('SCAN_CONTROL', `the daemon answered ${command} with ${answer.status}: ${text.trim()}`)
}
