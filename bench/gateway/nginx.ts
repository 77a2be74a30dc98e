import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { MODSECURITY_MODULE } from './packages.js'
import { processTree } from './process-usage.js'
import { freePort, LOAD_CPU, Program, SERVER_CPU } from './server.js'
import type { Server } from './server.js'

/** Connections and requests that nginx would otherwise end after a while. */
const WITHOUT_END = 1_000_000_000
const BODY_BYTES = 1024
const START_MS = 60_000

const PAGE = `<!doctype html><title>A small page</title><p>${'Nothing to see here. '.repeat(60)}`.slice(
  0,
  BODY_BYTES,
)

/** One worker, all files in a folder of its own, no access log. */
const frame = (folder: string, head: string, http: string): string => `${head}
${process.getuid?.() === 0 ? 'user root;' : ''}
daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log error;
events { worker_connections 4096; }
http {
  access_log off;
  default_type text/html;
  keepalive_requests ${WITHOUT_END};
  client_body_buffer_size 256k;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join('\n  ')}
${http}
}
`

const proxy = (port: number, upstreamPort: number, extra = ''): string => `
  upstream service {
    server 127.0.0.1:${upstreamPort};
    keepalive 64;
    keepalive_requests ${WITHOUT_END};
  }
  server {
    listen 127.0.0.1:${port};
    ${extra}
    location / {
      proxy_pass http://service;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $remote_addr;
    }
  }`

interface Started {
  readonly program: Program
  readonly pids: readonly number[]
  readonly startSeconds: number
}

async function start(folder: string, text: string, port: number, cpu: string): Promise<Started> {
  mkdirSync(folder)
  const file = join(folder, 'nginx.conf')
  writeFileSync(file, text)
  const begun = performance.now()
  const program = new Program(['nginx', '-p', folder, '-c', file], cpu, join(folder, 'output'), {
    PATH: `${process.env['PATH'] ?? ''}:/usr/sbin`,
  })
  for (;;) {
    program.assertRunning()
    if (await answers(port)) break
    if (performance.now() - begun > START_MS) throw new Error(`nginx does not answer:\n${program.said}`)
    await pause(20)
  }
  return { program, pids: processTree(program.pid), startSeconds: (performance.now() - begun) / 1000 }
}

const answers = async (port: number): Promise<boolean> => {
  try {
    await (await fetch(`http://127.0.0.1:${port}/`)).arrayBuffer()
    return true
  } catch {
    return false
  }
}

/** The service behind all servers: answers everything with the same small page and counts what it is asked. */
export interface Upstream {
  readonly port: number
  readonly pids: readonly number[]
  /** Requests that reached it by now. */
  served(): Promise<number>
  stop(): Promise<void>
}

export async function startUpstream(folder: string): Promise<Upstream> {
  const port = await freePort()
  const statusPort = await freePort()
  const text = frame(
    folder,
    '',
    `  server { listen 127.0.0.1:${port}; location / { return 200 '${PAGE}'; } }
  server { listen 127.0.0.1:${statusPort}; location / { stub_status; } }`,
  )
  const { program, pids } = await start(folder, text, port, LOAD_CPU)
  let asked = 0
  return {
    port,
    pids,
    served: async () => {
      const status = await (await fetch(`http://127.0.0.1:${statusPort}/`)).text()
      const requests = Number(/\n\s*\d+ \d+ (\d+)/.exec(status)?.[1])
      if (!Number.isInteger(requests)) throw new Error(`the upstream does not count: ${status}`)
      // It counts these questions too.
      return requests - ++asked
    },
    stop: () => program.stop(),
  }
}

const asServer = (name: string, port: number, attackStatus: 200 | 403, started: Started): Server => ({
  name,
  port,
  attackStatus,
  startSeconds: started.startSeconds,
  pids: started.pids,
  assertHealthy: async () => started.program.assertRunning(),
  stop: () => started.program.stop(),
})

/** nginx that passes everything on: the limit. */
export async function startPlain(folder: string, upstreamPort: number): Promise<Server> {
  const port = await freePort()
  const text = frame(folder, '', proxy(port, upstreamPort))
  return asServer('nginx', port, 200, await start(folder, text, port, SERVER_CPU))
}

/**
 * Engine settings that are ours too: bodies of requests and answers are judged, the same limits, what is refused is logged in
 * JSON. The Core Rule Set stands as it was released, so paranoia level 1, blocking, thresholds 5 and 4.
 */
const engine = (folder: string, crs: string): string => {
  const setup = ['crs-setup.conf', 'crs-setup.conf.example'].find((name) => existsSync(join(crs, name)))
  if (setup === undefined) throw new Error(`--crs: ${crs} holds no crs-setup.conf or crs-setup.conf.example`)
  return `SecRuleEngine On
SecRequestBodyAccess On
SecRequestBodyLimit ${12 * 1024 * 1024}
SecRequestBodyNoFilesLimit ${128 * 1024}
SecRequestBodyLimitAction Reject
SecRequestBodyJsonDepthLimit 128
SecArgumentsLimit 1000
SecResponseBodyAccess On
SecResponseBodyMimeType text/plain text/html text/xml application/json
SecResponseBodyLimit ${512 * 1024}
SecResponseBodyLimitAction ProcessPartial
SecTmpDir ${folder}
SecDataDir ${folder}
SecAuditEngine RelevantOnly
SecAuditLogRelevantStatus "^(?:5|4)"
SecAuditLogParts AHZ
SecAuditLogType Serial
SecAuditLogFormat JSON
SecAuditLog ${folder}/audit.log
SecRule REQUEST_HEADERS:Content-Type "@beginsWith application/json" "id:1,phase:1,pass,nolog,t:none,t:lowercase,ctl:requestBodyProcessor=JSON"
SecRule REQUEST_HEADERS:Content-Type "@contains xml" "id:2,phase:1,pass,nolog,t:none,t:lowercase,ctl:requestBodyProcessor=XML"
Include ${join(crs, setup)}
Include ${join(crs, 'rules')}/*.conf
`
}

/** nginx with ModSecurity 3 and the Core Rule Set. */
export async function startModSecurity(folder: string, upstreamPort: number, crs: string): Promise<Server> {
  const port = await freePort()
  const rules = `${folder}.rules`
  mkdirSync(rules)
  writeFileSync(join(rules, 'modsecurity.conf'), engine(rules, crs))
  const text = frame(
    folder,
    `load_module ${MODSECURITY_MODULE};`,
    proxy(port, upstreamPort, `modsecurity on;\n    modsecurity_rules_file ${rules}/modsecurity.conf;`),
  )
  return asServer('nginx + ModSecurity 3', port, 403, await start(folder, text, port, SERVER_CPU))
}
