import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Asked } from './http-client.js'
import { ask } from './http-client.js'
import { portcullis, run, up } from './product.js'

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

const ATTACKS = {
  sql: "1' UNION SELECT name, password FROM users--",
  script: '<script>alert(1)</script>',
  traversal: '../../etc/passwd',
  command: ';cat /etc/passwd',
}
const PHASES: Readonly<Record<keyof typeof ATTACKS, RegExp>> = {
  sql: /^sql_injection$/,
  script: /^xss$/,
  // Whichever of the two phases runs first: the file is the target of both.
  traversal: /^(?:traversal|rce)$/,
  command: /^(?:rce|traversal)$/,
}

const encoded = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
/** JSON in which every character of the attack is escaped. */
const escaped = (text: string): string =>
  `"${Array.from(text, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')}"`

const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
const JSON_TYPE = { 'content-type': 'application/json' }

/** Every place in which a client can put a text. */
const PLACES: Readonly<Record<string, (attack: string) => Asked>> = {
  path: (attack) => ({ path: `/files/${encoded(attack)}` }),
  query: (attack) => ({ path: `/search?id=${encoded(attack)}` }),
  'query name': (attack) => ({ path: `/search?${encoded(attack)}=1` }),
  form: (attack) => ({ method: 'POST', path: '/upload', headers: FORM, body: `a=b&q=${encoded(attack)}` }),
  multipart: (attack) => ({
    method: 'POST',
    path: '/upload',
    headers: { 'content-type': 'multipart/form-data; boundary=frontier' },
    body: `--frontier\r\nContent-Disposition: form-data; name="q"\r\n\r\n${attack}\r\n--frontier--\r\n`,
  }),
  'JSON key': (attack) => ({
    method: 'POST',
    path: '/echo',
    headers: JSON_TYPE,
    body: JSON.stringify({ a: { [attack]: 1 } }),
  }),
  'JSON value': (attack) => ({
    method: 'POST',
    path: '/echo',
    headers: JSON_TYPE,
    body: JSON.stringify({ a: [{ b: attack }] }),
  }),
  'escaped JSON key': (attack) => ({
    method: 'POST',
    path: '/echo',
    headers: JSON_TYPE,
    body: `{${escaped(attack)}:1}`,
  }),
  'escaped JSON value': (attack) => ({
    method: 'POST',
    path: '/echo',
    headers: JSON_TYPE,
    body: `{"a":[${escaped(attack)}]}`,
  }),
  cookie: (attack) => ({ headers: { cookie: `theme=dark; pref=${encoded(attack)}` } }),
  header: (attack) => ({ headers: { 'x-note': attack } }),
  'encoded header': (attack) => ({ headers: { 'x-note': encoded(attack) } }),
}

/** Outside of this repository, as a user's is. */
const folder = mkdtempSync(join(tmpdir(), 'portcullis-first-run-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))
const data = './data'
const at = { cwd: folder }

t.test('the first start in an empty folder', async (t) => {
  const product = await up(['--demo', '--data', data], at)
  t.teardown(() => product.stop('SIGKILL'))
  let oldId = ''

  await t.test('the start tells the truth', async (t) => {
    t.match(product.stdout, /listener +strict, 1 thread: \S+ .*self-test/, 'which listener and why')
    t.match(product.stdout, new RegExp(`data +${folder}/data\\n`))
    for (const phase of ['scanner', 'sql_injection', 'xss', 'rce', 'traversal'])
      t.match(product.stdout, new RegExp(`^ +\\d+ ${phase} +block$`, 'm'))
    t.match(product.stdout, /^ +5 rate_limit +block \(nothing configured\)$/m)
    t.match(product.stdout, /^ +13 owasp_crs +block \(nothing configured\)$/m)
    t.notMatch(product.stdout, /crowdsec|sensitive_data|\bbot\b/, 'nothing that does not work yet')
    t.equal(statSync(join(folder, 'data')).mode & 0o777, 0o700)
    t.equal((await ask(product.admin, { path: '/ready' })).status, 200)
    t.equal(product.stderr, '', 'nothing else is said')
  })

  await t.test('the three lines to try work as they are printed', async (t) => {
    const lines = [...product.stdout.matchAll(/^ {4}((?:curl|ID=).*)$/gm)].map(([, line = '']) => line)
    t.equal(lines.length, 3)
    const [good = '', attack = '', proof = ''] = lines
    const passed = await run('sh', ['-c', good], at)
    t.match(passed.stdout, /^HTTP\/1\.1 200 /)
    t.match(passed.stdout, /"query":"portcullis"/)
    const refused = await run('sh', ['-c', attack], at)
    t.match(refused.stdout, /^HTTP\/1\.1 403 /)
    t.match(refused.stdout, /^x-request-id: [0-9a-f-]{36}/im)
    const proved = await run('sh', ['-c', proof], at)
    t.equal(proved.code, 0, 'it ends well', { stderr: proved.stderr })
    t.match(proved.stdout, /sql_injection/)
    t.match(proved.stdout, /^ok: \S+ [0-9a-f-]{36} of /m)
  })

  await t.test('good requests pass', async (t) => {
    const page = await ask(product.url)
    t.equal(page.status, 200)
    t.match(page.body, /Demo service/)
    t.match(page.id, UUID_V7)
    const search = await ask(product.url, { path: '/search?q=blue%20shoes%20%26%20socks' })
    t.match(JSON.parse(search.body), { query: 'blue shoes & socks' })
    const echo = await ask(product.url, {
      method: 'POST',
      path: '/echo',
      headers: { ...JSON_TYPE, cookie: 'theme=dark' },
      body: '{"name":"Anna O\'Neill","select":"all from the union"}',
    })
    t.match(JSON.parse(echo.body), { echo: { name: "Anna O'Neill" } })
  })

  for (const [name, attack] of Object.entries(ATTACKS) as [keyof typeof ATTACKS, string][])
    await t.test(`refused in every place: ${name}`, async (t) => {
      for (const [place, make] of Object.entries(PLACES)) {
        const { status, id, body } = await ask(product.url, make(attack))
        t.equal(status, 403, place)
        t.match(id, UUID_V7, `${place}: an id in the header`)
        t.ok(body.includes(id), `${place}: the same id on the page`)
        t.notOk(body.includes(attack), `${place}: the page does not repeat what was sent`)
      }
      const { id } = await ask(product.url, { path: `/search?id=${encoded(attack)}` })
      const told = await portcullis(['explain', id, '--data', data, '--json'], at)
      t.equal(told.code, 0, 'it ends well', { stderr: told.stderr })
      const { verdict, deciding, rules, exclusion } = JSON.parse(told.stdout) as {
        verdict: { phase: string; rule: number; status: number }
        deciding: { id: number; variable: string }
        rules: { role: string; variable: string; id: number }[]
        exclusion: string
      }
      t.match(verdict.phase, PHASES[name])
      t.equal(verdict.status, 403)
      t.ok(deciding.id > 0)
      t.ok(
        rules.some((rule) => rule.role === 'scoring' && rule.variable === 'ARGS:id'),
        'the variable is named',
        { told },
      )
      t.match(exclusion, /ctl:ruleRemoveTargetById=\d+;ARGS:id\b/, 'only this variable of a rule')
      t.match(exclusion, /\/search/, 'only this path')
      t.notMatch(exclusion, /ruleEngine=|ruleRemoveById/, 'nothing is switched off as a whole')
    })

  await t.test('explain, for people and for who asks for nothing', async (t) => {
    const { id } = await ask(product.url, PLACES['cookie']?.(ATTACKS.sql))
    const told = await portcullis(['explain', id, '--data', data], at)
    t.equal(told.code, 0, 'it ends well', { stderr: told.stderr })
    t.match(told.stdout, /^rule +96\d{5} .*rules\/sql-injection\.conf:\d+$/m)
    t.match(told.stdout, /^variable +REQUEST_COOKIES:pref$/m)
    t.match(told.stdout, /ctl:ruleRemoveTargetById=\d+;REQUEST_COOKIES:pref/)
    const unknown = await portcullis(['explain', '01890a5d-ac96-774b-bcce-b302099a8057', '--data', data], at)
    t.not(unknown.code, 0)
    t.match(unknown.stderr, /^VERDICT_NOT_FOUND: /)
    const nonsense = await portcullis(['explain', 'nonsense', '--data', data], at)
    t.equal(nonsense.code, 2)
  })

  await t.test('an exclusion that explain wrote lets this request pass, and no other', async (t) => {
    const request = { path: `/search?id=${encoded(ATTACKS.script)}` }
    const { id } = await ask(product.url, request)
    const told = await portcullis(['explain', id, '--data', data, '--json'], at)
    const { exclusion } = JSON.parse(told.stdout) as { exclusion: string }
    writeFileSync(join(folder, 'exclusion.conf'), exclusion)
    writeFileSync(join(folder, 'config.yaml'), 'detection:\n  exclusions: [exclusion.conf]\n')
    const other = await up(['--demo', '--data', './other', '--config', 'config.yaml'], at)
    t.teardown(() => other.stop('SIGKILL'))
    t.equal((await ask(other.url, request)).status, 200, 'this one passes', { told })
    t.equal((await ask(other.url, { path: `/search?q=${encoded(ATTACKS.script)}` })).status, 403)
    t.equal((await ask(other.url, { path: `/other?id=${encoded(ATTACKS.script)}` })).status, 403)
    t.equal((await ask(other.url, { path: `/search?id=${encoded(ATTACKS.sql)}` })).status, 403)
    t.equal((await other.stop()).code, 0)
  })

  await t.test('the receipt of a refusal verifies offline', async (t) => {
    const { id } = await ask(product.url, PLACES['query']?.(ATTACKS.sql))
    oldId = id
    const written = await portcullis(['ledger', 'receipt', id, '--data', data, '--out', 'receipt'], at)
    t.equal(written.code, 0, 'it ends well', { stderr: written.stderr })
    const policy = await portcullis(['ledger', 'policy', '--data', data], at)
    t.equal(policy.code, 0, 'it ends well', { stderr: policy.stderr })
    writeFileSync(join(folder, 'policy'), policy.stdout)
    const good = await portcullis(['verify', 'receipt', '--trust', 'policy'], at)
    t.equal(good.code, 0, 'it ends well', { stderr: good.stderr })
    t.match(good.stdout, new RegExp(id), 'it speaks of this request')
  })

  await t.test('state survives a restart', async (t) => {
    const parse = (note: string) => {
      const [origin, size, root] = note.split('\n')
      return { origin, size: Number(size), root }
    }
    const before = parse((await portcullis(['ledger', 'checkpoint', '--data', data], at)).stdout)
    t.ok(before.size > 0)
    const stopped = await product.stop()
    t.equal(stopped.code, 0, 'it ends well', { stderr: stopped.stderr })
    t.equal(stopped.stderr, '', 'a stop is no failure')

    const again = await up(['--demo', '--data', data], at)
    t.teardown(() => again.stop('SIGKILL'))
    const old = await portcullis(['ledger', 'receipt', oldId, '--data', data, '--out', 'old'], at)
    t.equal(old.code, 0, 'it ends well', { stderr: old.stderr })
    t.equal((await portcullis(['explain', oldId, '--data', data], at)).code, 0)

    const { id } = await ask(again.url, PLACES['query']?.(ATTACKS.sql))
    const fresh = await portcullis(['ledger', 'receipt', id, '--data', data, '--out', 'fresh'], at)
    t.equal(fresh.code, 0, 'it ends well', { stderr: fresh.stderr })
    const after = parse((await portcullis(['ledger', 'checkpoint', '--data', data], at)).stdout)
    t.equal(after.origin, before.origin, 'it is the same log')
    t.ok(after.size > before.size, `it goes on: ${before.size}, then ${after.size}`)
    // The old and the new receipt hold under the policy that was written before the restart.
    const index = async (file: string): Promise<number> => {
      const { code, stdout, stderr } = await portcullis(['verify', file, '--trust', 'policy', '--json'], at)
      t.equal(code, 0, 'it ends well', { stderr })
      return (JSON.parse(stdout) as { index: number }).index
    }
    const [first, second, third] = [await index('receipt'), await index('old'), await index('fresh')]
    t.equal(first, second, 'the entry is where it was')
    t.ok(third >= before.size, `${third} comes after the ${before.size} entries of before`)
    t.equal((await again.stop()).code, 0)
  })
})
