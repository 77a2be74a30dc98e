import * as argsCombinedSize from './args-combined-size.js'
import * as argsNames from './args-names.js'
import * as args from './args.js'
import * as authorization from './authorization.js'
import * as connection from './connection.js'
import type { VariableDefinition } from './definition.js'
import * as engine from './engine.js'
import * as env from './env.js'
import * as files from './files.js'
import * as fullRequest from './full-request.js'
import * as geo from './geo.js'
import * as matched from './matched.js'
import * as multipart from './multipart.js'
import * as persistent from './persistent.js'
import * as requestBody from './request-body.js'
import * as requestCookies from './request-cookies.js'
import * as requestHeaders from './request-headers.js'
import * as requestLine from './request-line.js'
import * as response from './response.js'
import * as rule from './rule.js'
import * as time from './time.js'
import * as tx from './tx.js'
import * as xml from './xml.js'

const REGISTRY: ReadonlyMap<string, VariableDefinition> = new Map(
  [
    argsCombinedSize,
    argsNames,
    args,
    authorization,
    connection,
    engine,
    env,
    files,
    fullRequest,
    geo,
    matched,
    multipart,
    persistent,
    requestBody,
    requestCookies,
    requestHeaders,
    requestLine,
    response,
    rule,
    time,
    tx,
    xml,
  ]
    .flatMap((module): unknown[] => Object.values(module).flat())
    .filter(isDefinition)
    .map((definition) => [definition.name, definition]),
)

function isDefinition(value: unknown): value is VariableDefinition {
  return typeof value === 'object' && value !== null && 'entries' in value && 'kind' in value
}

/** Documented variables that a gateway cannot fill, with the reason. A rule that names one is refused. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ...['SCRIPT_BASENAME', 'SCRIPT_FILENAME', 'SCRIPT_GID', 'SCRIPT_GROUPNAME', 'SCRIPT_MODE'].map(notAServer),
  ...['SCRIPT_UID', 'SCRIPT_USERNAME', 'REMOTE_GROUP', 'WEBSERVER_ERROR_LOG'].map(notAServer),
  ...['PERF_ALL', 'PERF_COMBINED', 'PERF_GC', 'PERF_LOGGING', 'PERF_PHASE1', 'PERF_PHASE2'].map(notMeasured),
  ...['PERF_PHASE3', 'PERF_PHASE4', 'PERF_PHASE5', 'PERF_RULES', 'PERF_SREAD', 'PERF_SWRITE'].map(
    notMeasured,
  ),
  ...['STREAM_INPUT_BODY', 'STREAM_OUTPUT_BODY'].map((name): [string, string] => [
    name,
    'bodies are not rewritten by rules; use REQUEST_BODY or RESPONSE_BODY',
  ]),
  ['FILES_TMPNAMES', 'uploads are judged in memory and have no temporary file; use FILES_TMP_CONTENT'],
])

function notAServer(name: string): [string, string] {
  return [name, 'it describes a program run by the web server; a gateway runs none']
}

function notMeasured(name: string): [string, string] {
  return [name, 'performance figures are in telemetry, not in rules']
}

/** The variable `name` (any case), or undefined when the language has none of that name. */
export function variable(name: string): VariableDefinition | undefined {
  return REGISTRY.get(name.toUpperCase())
}

/** Why the documented variable `name` is not offered; undefined when it is, or is unknown. */
export function refusedVariable(name: string): string | undefined {
  return REFUSED.get(name.toUpperCase())
}

/** Names of all variables, sorted. */
export function variableNames(): readonly string[] {
  return [...REGISTRY.keys()].toSorted()
}
