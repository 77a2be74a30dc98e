/** What the ledger promises a platform of agents and chains, line by line, and the tests that hold it to it. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { ROOT } from './product.js'

/** Per promise: test file → titles of tests in it, in full. */
const PROMISES: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  'proofs: signatures of outputs': {
    'proofs/verify.test.ts': [
      'receipts of signed, sealed and seal entries verify offline',
      'any flipped bit of any byte makes a receipt fail with a code',
      'keys come from the policy and never from the receipt',
    ],
    'proofs/commitment.test.ts': ['request and response are committed to, each with a salt of its own'],
  },
  'proofs: hashing': {
    'proofs/merkle.test.ts': [
      'every proof of every small tree verifies, and only for its own index, size and root',
    ],
    'ledger/log.test.ts': ['what is acknowledged is in the signed checkpoint'],
  },
  'proofs: anchoring': {
    'ledger/anchor/anchorer.test.ts': [
      'an anchor goes from queued to final, as the chain does',
      'an orphaned anchor is sent again, and counts only when it is mined again',
    ],
    'proofs/anchor-check.test.ts': [
      'an anchor that the chain confirms passes, and the trust in its endpoint is named',
    ],
  },
  'storage: MySQL durable, interfaces between, one conformance suite': {
    'conformance/log-store.ts': [
      'a checkpoint moves by compare-and-swap, with its entries or not at all',
      'of two writers one binds a size to a root',
    ],
    'ledger/log-store.test.ts': ['the embedded index'],
    'ledger/mirror/mysql-store.test.ts': ['MySQL'],
    'ledger/mirror/mirror.test.ts': [
      'while the mirror is away nothing is acknowledged, answers stay, and nothing is lost',
    ],
  },
  'REST: control agents': {
    'cli/commands/keys.test.ts': ['a key of another machine is made, registered, rotated and revoked'],
    'ledger/log.test.ts': ['a session that names its participants lets nobody else in'],
  },
  'REST: retrieve logs': {
    'ledger/api/routes.test.ts': [
      'entries go in and come out with proofs',
      'the static pages of tlog-tiles give the whole tree',
    ],
  },
  'REST: query audit trails': {
    'ledger/api/sessions.test.ts': [
      'a session says how whole it is, and its bundle proves it',
      'entries are found by leaf and by commitment',
    ],
    'ledger/api/openapi.test.ts': ['the document is valid OpenAPI 3.1 and names every route'],
  },
  'web3: RPC': {
    'ledger/anchor/rpc-lies.test.ts': [
      'an endpoint of another chain is not sent anything',
      'an endpoint that does not answer is left for the next one',
    ],
  },
  'web3: transactions, signing': {
    'ledger/anchor/kill.test.ts': [
      'killed at any call, before or after it took effect, an anchorer makes exactly one anchor',
    ],
    'ledger/anchor/anchorer.test.ts': [
      'a transaction that nobody mines is replaced with more fee and the same nonce',
    ],
  },
  'web3: nonces': {
    'ledger/anchor/anchorer.test.ts': [
      'a nonce that another transaction took is given up, and the anchor gets a new one',
    ],
  },
  'web3: events, receipts': {
    'ledger/anchor/rpc-lies.test.ts': [
      'a receipt with the right event is not believed against the contract',
      'a hidden receipt makes no second anchor',
    ],
  },
  SDK: {
    'ledger/client/remote-client.test.ts': [
      'actions are recorded, proven and closed',
      'an answer that is lost is asked for again, and nothing is twice in the log',
      'a lying ledger is not believed',
    ],
  },
}

void t.test('each promise to a platform of agents and chains has its tests', async (t) => {
  for (const [promise, files] of Object.entries(PROMISES)) {
    for (const [file, titles] of Object.entries(files)) {
      const source = await readFile(join(ROOT, 'test', file), 'utf8')
      for (const title of titles)
        t.match(
          source,
          new RegExp(`t\\.test\\(\\s*'${title.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}'`),
          `${promise}: ${title}`,
        )
    }
  }
})
