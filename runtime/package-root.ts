import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The folder that the product is installed in: the same from the sources and from the build. */
export const packageRoot: string = (() => {
  let folder = import.meta.dirname
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder)
  return folder
})()

/** The folder of the rules that come with the product. */
export const rulesFolder: string = join(packageRoot, 'rules')
