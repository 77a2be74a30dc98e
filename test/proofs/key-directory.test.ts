import t from 'tap'
import { readFileSync } from 'node:fs'
import {
  decodeBase64,
  decodeVkey,
  encodeBase64,
  encodeVkey,
  foldKeys,
  formatPolicy,
  KeyDirectory,
  noteSigner,
  parsePolicy,
  policyAgents,
} from '../../proofs/index.js'
import type { KeyDirectoryOptions } from '../../proofs/index.js'
import { accepted, claimOf, refused, register, reserved, revoke, rotate, successor } from './key-scenarios.js'
import { agentKey, logKey, origin, rootKey, seedOf, strangerKey } from './sample-log.js'

interface Vector {
  readonly name: string
  readonly entries: readonly { readonly index: number; readonly entry: string }[]
}
const vectors = JSON.parse(readFileSync(new URL('vectors/keys.json', import.meta.url), 'utf8')) as {
  readonly origin: string
  readonly root: string
  readonly accept: readonly (Vector & { readonly keys: readonly object[] })[]
  readonly reject: readonly (Vector & { readonly code: string })[]
}
const options: KeyDirectoryOptions = { origin, root: decodeVkey(encodeVkey(rootKey)), reserved }
const seconds = ({ entries }: { entries: readonly { index: number; entry: string }[] }) =>
  entries.map(({ index, entry }) => ({ index, entry: decodeBase64(entry) ?? new Uint8Array() }))
const listed = (directory: KeyDirectory) =>
  directory.keys.map(({ verifier, ...rest }) => ({ vkey: encodeVkey(verifier), ...rest }))

void t.test('the frozen vectors fold as they always did', async (t) => {
  t.equal(vectors.origin, origin)
  t.equal(vectors.root, encodeVkey(rootKey))
  t.same([vectors.accept.length, vectors.reject.length], [accepted.length, refused.length])
  for (const vector of vectors.accept) {
    const { directory, faults } = foldKeys(seconds(vector), options)
    t.same(faults, [], vector.name)
    t.same(listed(directory), vector.keys, vector.name)
  }
  for (const vector of vectors.reject) {
    const entries = seconds(vector)
    const { directory, faults } = foldKeys(entries, options)
    t.same(
      faults.map(({ index, error }) => [index, error.machineCode]),
      [[entries.at(-1)?.index, vector.code]],
      vector.name,
    )
    t.same(
      listed(directory),
      listed(foldKeys(entries.slice(0, -1), options).directory),
      `${vector.name} changes nothing`,
    )
  }
})

void t.test('what is written is what the vectors hold', async (t) => {
  const spelled = [...accepted, ...refused].map(({ entries }) =>
    entries.map(({ index, entry }) => ({ index, entry: encodeBase64(entry) })),
  )
  t.same(
    spelled,
    [...vectors.accept, ...vectors.reject].map(({ entries }) => entries),
  )
})

void t.test('a key is valid from the entry that introduces it to the one that ends it', async (t) => {
  const { directory } = foldKeys(
    [register(3, claimOf(agentKey)), rotate(5, agentKey, successor), revoke(8, successor, rootKey)],
    options,
  )
  for (const index of [3, 4, 5]) t.equal(directory.assertValidAt(agentKey, index).end, 'rotated')
  for (const index of [5, 6, 8]) t.equal(directory.assertValidAt(successor, index).end, 'revoked')
  for (const index of [0, 2, 6, 9])
    t.throws(() => directory.assertValidAt(agentKey, index), { code: 'KEY_NOT_VALID_AT' })
  for (const index of [4, 9])
    t.throws(() => directory.assertValidAt(successor, index), { code: 'KEY_NOT_VALID_AT' })
  t.throws(() => directory.assertValidAt(strangerKey, 4), { code: 'UNKNOWN_KEY' })
  t.throws(() => directory.assertValidAt({ ...agentKey, name: 'scanner' }, 4), { code: 'UNKNOWN_KEY' })
})

void t.test('entries come in the order of the log', async (t) => {
  const directory = new KeyDirectory(options)
  directory.apply(4, register(4, claimOf(agentKey)).entry)
  t.throws(() => directory.apply(4, rotate(4, agentKey, successor).entry), { code: 'INCONSISTENT' })
})

void t.test('a clone does not change what it came from', async (t) => {
  const directory = new KeyDirectory(options)
  directory.apply(0, register(0, claimOf(agentKey)).entry)
  const clone = directory.clone()
  clone.apply(1, rotate(1, agentKey, successor).entry)
  t.equal(directory.assertValidAt(agentKey, 9).last, undefined)
  t.equal(directory.keysOf('gateway').length, 1)
  t.equal(clone.keysOf('gateway').length, 2)
})

void t.test(
  'the directory becomes lines of a policy, witnesses left out, and those are read back',
  async (t) => {
    const witness = noteSigner('witness.example', seedOf(30))
    const { directory } = foldKeys(
      [
        register(0, claimOf(agentKey)),
        register(1, claimOf(witness, { purpose: 'witness' })),
        rotate(2, agentKey, successor),
      ],
      options,
    )
    const logs = [{ verifier: decodeVkey(encodeVkey(logKey)) }]
    const text = formatPolicy({ ...parsePolicy('quorum none\n'), logs, agents: policyAgents(directory) })
    t.same(Buffer.from(text).toString().split('\n').slice(2), [
      `root ${encodeVkey(rootKey)}`,
      `agent ${encodeVkey(agentKey)} 0-2`,
      `agent ${encodeVkey(successor)} 2-`,
      '',
    ])
    t.same(formatPolicy(parsePolicy(text)), text)
    t.same(
      parsePolicy(text).agents.map(({ isRoot }) => isRoot === true),
      [true, false, false],
    )
  },
)
