import { DetectorError } from './errors.js'
import { parseNetwork, type Network } from './ip-address.js'
import { IpSet } from './ip-set.js'
import type { RuleFiles } from './ports.js'

export interface IpListSource {
  /** Config key that the entries come from, for messages. */
  readonly key: string
  readonly addresses: readonly string[]
  readonly files: readonly string[]
}

/**
 * Builds the set of a list in the config and in files. A file holds one address or CIDR network a line; `#` or `;`
 * starts a comment, empty lines are skipped. An entry that cannot be read is an error (`DETECTOR_ADDRESS_LIST`, or
 * `DETECTOR_FILE` for the file itself): a block list with a hole in it would fail open. Bits after the prefix are
 * ignored with one warning per source.
 */
export function loadIpSet(source: IpListSource, files: RuleFiles, warn: (message: string) => void): IpSet {
  const networks: Network[] = []
  const add = (text: string, where: () => string, loose: { said: boolean }): void => {
    const network = parseNetwork(text)
    if (network === undefined) {
      const shown = JSON.stringify(text.slice(0, 80))
      throw new DetectorError(
        'DETECTOR_ADDRESS_LIST',
        `${where()}: ${shown} is neither an IP address nor a CIDR network`,
      )
    }
    if (network.hostBits && !loose.said) {
      loose.said = true
      warn(`${where()}: ${text} has bits set after its prefix; they are ignored`)
    }
    networks.push(network)
  }
  const inline = { said: false }
  source.addresses.forEach((text, i) => add(text.trim(), () => `${source.key}.addresses[${i}]`, inline))
  for (const path of source.files) {
    const loose = { said: false }
    const content = readList(path, source.key, files)
    let line = 0
    for (let start = 0; start <= content.length;) {
      const newline = content.indexOf('\n', start)
      const end = newline === -1 ? content.length : newline
      line++
      const text = entryOf(content.slice(start, end))
      const at = line
      if (text !== '') add(text, () => `${path}:${at}`, loose)
      start = end + 1
    }
  }
  return new IpSet(networks)
}

function entryOf(line: string): string {
  const hash = line.indexOf('#')
  const semicolon = line.indexOf(';')
  const cut = Math.min(hash === -1 ? line.length : hash, semicolon === -1 ? line.length : semicolon)
  return line.slice(0, cut).trim()
}

function readList(path: string, key: string, files: RuleFiles): string {
  try {
    return files.read(path)
  } catch (cause) {
    throw new DetectorError('DETECTOR_FILE', `${key}.files: cannot read ${path}: ${String(cause)}`, { cause })
  }
}
