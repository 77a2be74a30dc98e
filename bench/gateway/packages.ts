import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'

export const MODSECURITY_MODULE = '/usr/lib/nginx/modules/ngx_http_modsecurity_module.so'

const found = (command: string): boolean => {
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin']
  return folders.some((folder) => existsSync(`${folder}/${command}`))
}

/** Debian packages and how to see that they are here. */
const NEEDED: readonly (readonly [name: string, present: () => boolean])[] = [
  ['nginx', () => found('nginx')],
  ['libnginx-mod-http-modsecurity', () => existsSync(MODSECURITY_MODULE)],
  ['wrk', () => found('wrk')],
  ['util-linux', () => found('taskset')],
]

/** Says which Debian packages are missing and the command that installs them; undefined when none is. */
export const missingPackages = (): string | undefined => {
  const missing = NEEDED.filter(([, present]) => !present()).map(([name]) => name)
  if (missing.length === 0) return undefined
  const sudo = process.getuid?.() === 0 ? '' : 'sudo '
  return (
    `Debian packages are missing: ${missing.join(', ')}. Install them with:\n` +
    `  ${sudo}apt-get update && ${sudo}apt-get install --no-install-recommends ${missing.join(' ')}`
  )
}

/** Versions of what is compared, as the packages and programs themselves name them. */
export const versions = (): Readonly<Record<string, string>> => ({
  node: process.version,
  ...Object.fromEntries(
    ['nginx', 'libnginx-mod-http-modsecurity', 'libmodsecurity3', 'wrk'].map((name) => [
      name,
      debianVersion(name),
    ]),
  ),
})

const debianVersion = (name: string): string => {
  try {
    return execFileSync('dpkg-query', ['--show', '--showformat', '${Version}', name], { encoding: 'utf8' })
  } catch {
    return 'not from a Debian package'
  }
}
