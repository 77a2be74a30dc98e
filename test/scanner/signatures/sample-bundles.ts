import { generateKeyPairSync } from 'node:crypto'
import { buildBundle, parsePublicKey, publicKeyText } from '../../../scanner/signatures/bundle.js'

/** A publisher of signatures: a key, and bundles whose files all say the version. */
export const publisher = () => {
  const { privateKey } = generateKeyPairSync('ed25519')
  return { privateKey, text: publicKeyText(privateKey), keys: [parsePublicKey(publicKeyText(privateKey))] }
}

export const sampleBundle = (
  key: Parameters<typeof buildBundle>[1]['key'],
  version: number,
  files = 20,
): Buffer =>
  buildBundle(
    [
      { path: 'yara/pack.json', content: Buffer.from(JSON.stringify({ version })) },
      ...Array.from({ length: files }, (_, i) => ({
        path: `hashes/list-${i}.txt`,
        content: Buffer.from(`# ${version}\n`),
      })),
    ],
    { version, created: new Date('2026-01-01T00:00:00Z'), key },
  )
