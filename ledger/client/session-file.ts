import { z } from 'zod'
import { readSecretFile, writePrivateFile } from '../../runtime/data-folder.js'

/** The last entry that an agent is known to have made: a new session names it as its parent. */
const sessionFile = z.strictObject({
  session: z.string(),
  /** Leaf hash, hex. */
  leaf: z.string().regex(/^[0-9a-f]{64}$/),
})
export type LastEntry = z.output<typeof sessionFile>

/** @returns `undefined` when there is none, or none that can be read: a session may begin without a parent */
export async function readLastEntry(path: string): Promise<LastEntry | undefined> {
  const bytes = await readSecretFile(path)
  if (bytes === undefined) return undefined
  try {
    return sessionFile.parse(JSON.parse(Buffer.from(bytes).toString('utf8')))
  } catch {
    return undefined
  }
}

export async function writeLastEntry(path: string, entry: LastEntry): Promise<void> {
  await writePrivateFile(path, `${JSON.stringify(entry)}\n`)
}
