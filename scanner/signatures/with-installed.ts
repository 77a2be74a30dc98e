import type { ScannerConfig } from '../config.js'
import { parsePublicKey } from './bundle.js'
import { SignatureStore } from './store.js'

/**
 * A configuration with the installed signatures among its rules and lists. Without trusted keys none are looked for.
 * @param folder `<data>/scanner`
 * @throws ScanError when what is installed is not what a trusted key has signed: a scan without it would miss things
 */
export async function withInstalled(config: ScannerConfig, folder: string): Promise<ScannerConfig> {
  if (config.signature_keys.length === 0) return config
  const installed = await SignatureStore.existing(folder)?.installed(
    config.signature_keys.map(parsePublicKey),
  )
  if (!installed) return config
  return {
    ...config,
    yara_rules: [...installed.yaraRules, ...config.yara_rules],
    hash_lists: [...installed.hashLists, ...config.hash_lists],
  }
}
