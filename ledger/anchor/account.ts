import { keccak256, SigningKey } from 'ethers/crypto'
import { computeAddress, Transaction } from 'ethers/transaction'
import { readSecret } from '../../runtime/secret.js'
import { AnchorError } from './errors.js'

/** What a transaction pays. Wei per gas. */
export interface Fee {
  /** Undefined on a chain without EIP-1559: `maxFeePerGas` is then the gas price. */
  readonly priorityFeePerGas?: bigint
  readonly maxFeePerGas: bigint
}

export interface TransactionRequest {
  readonly chainId: number
  readonly nonce: number
  /** Address without `0x`; undefined deploys a contract. */
  readonly to?: string
  readonly data: string
  readonly gasLimit: bigint
  readonly fee: Fee
}

export interface SignedTransaction {
  /** Without `0x`. */
  readonly hash: string
  /** As it is sent, with `0x`. */
  readonly raw: string
}

/** An account on EVM chains: its key stays in here. */
export class Account {
  /** Without `0x`, in lower case. */
  readonly address: string
  readonly #key: SigningKey

  /** @param key 64 hexadecimal digits, with or without `0x` */
  constructor(key: string) {
    const digits = /^(?:0x)?([0-9a-fA-F]{64})$/.exec(key)?.[1]
    if (digits === undefined) throw new AnchorError('ANCHOR_KEY', 'a private key has 64 hexadecimal digits')
    try {
      this.#key = new SigningKey(`0x${digits}`)
      this.address = computeAddress(this.#key.publicKey).slice(2).toLowerCase()
    } catch {
      // The cause would quote the key.
      throw new AnchorError('ANCHOR_KEY', 'the secret is not a private key of secp256k1')
    }
  }

  /** Signs for one chain (EIP-155), so that no other takes it. */
  sign({ chainId, nonce, to, data, gasLimit, fee }: TransactionRequest): SignedTransaction {
    const { maxFeePerGas, priorityFeePerGas } = fee
    const transaction = Transaction.from({
      chainId,
      nonce,
      data,
      gasLimit,
      value: 0,
      ...(to !== undefined && { to: `0x${to}` }),
      ...(priorityFeePerGas === undefined
        ? { type: 0, gasPrice: maxFeePerGas }
        : { type: 2, maxFeePerGas, maxPriorityFeePerGas: priorityFeePerGas }),
    })
    transaction.signature = this.#key.sign(transaction.unsignedHash)
    return { raw: transaction.serialized, hash: keccak256(transaction.serialized).slice(2) }
  }
}

/** Reads the account behind `env:NAME` or `file:PATH`. */
export async function readAccount(
  reference: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Account> {
  const key = await readSecret(reference, env)
  try {
    return new Account(key.trim())
  } catch (error) {
    if (error instanceof AnchorError) throw new AnchorError(error.code, `${reference}: ${error.message}`)
    throw error
  }
}
