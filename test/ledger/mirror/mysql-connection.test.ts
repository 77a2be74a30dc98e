import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import t from 'tap'
import { mysqlConfig } from '../../../ledger/mirror/config.js'
import type { MysqlConfig } from '../../../ledger/mirror/config.js'
import { mysqlOptions } from '../../../ledger/mirror/mysql-connection.js'
import { MysqlStore } from '../../../ledger/mirror/mysql-store.js'
import { TEST_CERTIFICATE, TEST_KEY } from '../../gateway/listener/test-certificate.js'
import { startMariaDb } from '../mariadb.js'

const config = (members: object = {}): MysqlConfig => {
  const parsed = mysqlConfig.parse({ url: 'env:URL', ...members })
  if (parsed === undefined) throw new Error('there is no section')
  return parsed
}

const options = (url: string, members: object = {}) => mysqlOptions(config(members), { URL: url })

void t.test('the URL is read whole, and TLS is verified unless it is switched off', async (t) => {
  t.match(await options('mysql://us%40er:p%2Fw@db.example/log'), {
    user: 'us@er',
    password: 'p/w',
    host: 'db.example',
    port: 3306,
    database: 'log',
    ssl: { rejectUnauthorized: true, verifyIdentity: true, minVersion: 'TLSv1.2' },
  })
  t.match(await options('mysql://u:p@[::1]:3307/log', { tls: 'off' }), {
    host: '::1',
    port: 3307,
    ssl: undefined,
  })
  t.match(await options('mysql://u:p@localhost/log?socket=/run/db.sock'), { socketPath: '/run/db.sock' })
})

void t.test('a URL that cannot be used is refused without being shown', async (t) => {
  for (const url of [
    'not a url, top-secret',
    'https://u:top-secret@host/log',
    'mysql://:top-secret@host/log',
    'mysql://u:top-secret@host',
    'mysql://u:top-secret@host/log/more',
    'mysql://u:top-secret@host/log?ssl=off',
  ]) {
    const error = await options(url).catch((thrown: unknown) => thrown)
    t.match(error, { code: 'BAD_MIRROR' }, url)
    t.notMatch(String(error), 'top-secret')
  }
  await t.rejects(options('mysql://u:p@host/log', { ca: '/not/there.pem' }), { code: 'BAD_MIRROR' })
})

void t.test(
  'a server is spoken to over TLS when its certificate is vouched for, and else not at all',
  async (t) => {
    const folder = t.testdir({ 'cert.pem': TEST_CERTIFICATE, 'key.pem': TEST_KEY })
    const free = createServer().listen(0, '127.0.0.1')
    await once(free, 'listening')
    const { port } = free.address() as AddressInfo
    free.close()
    await once(free, 'close')
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
    const server = await startMariaDb([
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      `--ssl-cert=${cert}`,
      `--ssl-key=${key}`,
    ])
    t.teardown(() => server.close())
    await server.database('log')
    const operator = await server.connect()
    await operator.query("CREATE USER 'ledger'@'%' IDENTIFIED BY 'pass' REQUIRE SSL")
    await operator.query("GRANT ALL ON log.* TO 'ledger'@'%'")
    await operator.end()
    const open = async (host: string, members: object) =>
      MysqlStore.open(
        await options(`mysql://ledger:pass@${host}:${port}/log`, members),
        'test/0123456789abcdef',
      )
    const store = await open('localhost', { ca: cert })
    t.equal(await store.checkpoint, undefined)
    await store.close()
    await t.rejects(
      open('localhost', {}),
      { code: 'MIRROR_UNAVAILABLE', message: /certificate/ },
      'not vouched for',
    )
    await t.rejects(open('localhost', { tls: 'off' }), { code: 'MIRROR_UNAVAILABLE' }, 'in the clear')
  },
)
