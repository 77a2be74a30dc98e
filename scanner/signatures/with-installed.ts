import type { ScannerConfig } from '../config.js'
import { parsePublicKey } from './bundle.js'
import { SignatureStore, type Installed } from './store.js'

/**
 * The signatures that are installed. Without trusted keys none are looked for.
 * @param folder `<data>/scanner`
 * @throws ScanError when what is installed is not what a trusted key has signed: a scan without it would miss things
 */
export async function installedSignatures(
  config: ScannerConfig,
  folder: string,
): Promise<Installed | undefined> {
  if (config.signature_keys.length === 0) return undefined
  return SignatureStore.existing(folder)?.installed(config.signature_keys.map(parsePublicKey))
}

/** A configuration with signatures among its rules and lists. */
export const withSignatures = (config: ScannerConfig, installed: Installed | undefined): ScannerConfig =>
  installed === undefined
    ? config
    : {
        ...config,
        yara_rules: [...installed.yaraRules, ...config.yara_rules],
        hash_lists: [...installed.hashLists, ...config.hash_lists],
      }

/** {@link withSignatures} of those that are {@link installedSignatures}. */
export const withInstalled = async (config: ScannerConfig, folder: string): Promise<ScannerConfig> =>
  withSignatures(config, await installedSignatures(config, folder))
