import { codeOf } from '../runtime/errors.js'
import { runCommandLine } from './program.js'
import { createContext } from './run.js'

/**
 * Runs the command line in this process and ends it.
 *
 * @param argv as in `process.argv`
 */
export const main = async (argv: readonly string[]): Promise<never> => {
  // A reader that has seen enough (`… | head`) is no failure of ours.
  process.stdout.on('error', (error) => process.exit(codeOf(error) === 'EPIPE' ? 0 : 1))
  process.exit(await runCommandLine(argv, createContext(process)))
}
