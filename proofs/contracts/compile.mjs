/**
 * A step of the build, after tsc: compiles LedgerAnchor.sol into dist/proofs/contracts/ledger-anchor.json (`compiler`,
 * `abi`, `bytecode`). It fails when the hash of the runtime code is not the committed `ANCHOR_CODE_HASH`, which verifiers pin.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { keccak256 } from 'ethers/crypto'
import solc from 'solc'
import { ANCHOR_CODE_HASH } from '../../dist/proofs/anchor.js'

const SOURCE = 'LedgerAnchor.sol'
const here = import.meta.dirname
const input = {
  language: 'Solidity',
  sources: { [SOURCE]: { content: readFileSync(join(here, SOURCE), 'utf8') } },
  settings: {
    optimizer: { enabled: true, runs: 10_000 },
    // The oldest rules that every chain in use follows.
    evmVersion: 'paris',
    // No metadata in the code: a comment must not change its hash.
    metadata: { appendCBOR: false, bytecodeHash: 'none' },
    outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object'] } },
  },
}

/**
 * What the compiler answers, as far as it was asked.
 *
 * @typedef {{ object: string }} Code
 * @typedef {{ abi: object[], evm: { bytecode: Code, deployedBytecode: Code } }} Contract
 * @typedef {{ errors?: { formattedMessage: string }[], contracts: Record<string, { LedgerAnchor: Contract }> }} Output
 */
/** @type {{ compile(input: string): string, version(): string }} */
const compiler = solc
/** @type {Output} */
const output = JSON.parse(compiler.compile(JSON.stringify(input)))
// Warnings count: nobody would read them.
if (output.errors) throw new Error(output.errors.map(({ formattedMessage }) => formattedMessage).join('\n'))

const contract = output.contracts[SOURCE]?.LedgerAnchor
if (!contract) throw new Error(`${SOURCE} holds no contract LedgerAnchor`)
const codeHash = keccak256(`0x${contract.evm.deployedBytecode.object}`).slice(2)
if (codeHash !== ANCHOR_CODE_HASH)
  throw new Error(
    `${SOURCE} compiles to code of hash ${codeHash}, but proofs/anchor.ts says ${ANCHOR_CODE_HASH}`,
  )

const folder = join(here, '../../dist/proofs/contracts')
mkdirSync(folder, { recursive: true })
const artefact = {
  compiler: compiler.version(),
  abi: contract.abi,
  bytecode: `0x${contract.evm.bytecode.object}`,
}
writeFileSync(join(folder, 'ledger-anchor.json'), `${JSON.stringify(artefact, null, 2)}\n`)
