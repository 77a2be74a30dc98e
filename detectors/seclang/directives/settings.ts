import type { SettingNode } from '../ast.js'
import { SecLangError } from '../errors.js'
import type { Warn } from '../parser/directives.js'
import type { EngineMode, Settings } from '../settings.js'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
export type SettingsDraft = Mutable<Settings>

type Apply = (settings: SettingsDraft, node: SettingNode) => void

const ENGINE_MODES: ReadonlyMap<string, EngineMode> = new Map<string, EngineMode>([
  ['on', 'on'],
  ['off', 'off'],
  ['detectiononly', 'detection_only'],
])

const DIRECTIVES: ReadonlyMap<string, Apply> = new Map<string, Apply>([
  ['secruleengine', (s, node) => (s.engine = choice(node, ENGINE_MODES))],
  ['secrequestbodyaccess', (s, node) => (s.requestBodyAccess = onOff(node))],
  ['secresponsebodyaccess', (s, node) => (s.responseBodyAccess = onOff(node))],
  [
    'secresponsebodymimetype',
    (s, node) => (s.responseMimeTypes = some(node).map((type) => type.toLowerCase())),
  ],
  ['secresponsebodymimetypesclear', (s) => (s.responseMimeTypes = [])],
  ['secrequestbodylimit', (s, node) => (s.requestBodyLimit = number(node))],
  ['secrequestbodynofileslimit', (s, node) => (s.requestBodyNoFilesLimit = number(node))],
  ['secrequestbodylimitaction', (s, node) => (s.requestBodyLimitAction = choice(node, LIMIT_ACTIONS))],
  ['secresponsebodylimit', (s, node) => (s.responseBodyLimit = number(node))],
  ['secresponsebodylimitaction', (s, node) => (s.responseBodyLimitAction = choice(node, LIMIT_ACTIONS))],
  ['secargumentslimit', (s, node) => (s.argumentsLimit = number(node))],
  ['secrequestbodyjsondepthlimit', (s, node) => (s.jsonDepthLimit = number(node))],
  ['secargumentseparator', (s, node) => (s.argumentSeparator = oneCharacter(node))],
  ['seccookiev0separator', (s, node) => (s.cookieSeparator = oneCharacter(node))],
  ['secuploadfilelimit', (s, node) => (s.uploadFileLimit = number(node))],
  ['seccollectiontimeout', (s, node) => (s.collectionTimeout = number(node))],
  ['secwebappid', (s, node) => (s.webAppId = one(node))],
  [
    'secauditengine',
    (s, node) =>
      (s.auditEngine = choice(
        node,
        new Map<string, Settings['auditEngine']>([
          ['on', 'on'],
          ['off', 'off'],
          ['relevantonly', 'relevant_only'],
        ]),
      )),
  ],
  [
    'seccookieformat',
    (_settings, node) => {
      if (one(node) !== '0') throw refused(node, 'version 1 cookies are not read')
    },
  ],
  [
    'secxmlexternalentity',
    (_settings, node) => {
      if (onOff(node)) throw refused(node, 'external entities are never loaded')
    },
  ],
  // A label for logs.
  ['seccomponentsignature', (_settings, node) => void one(node)],
])

const LIMIT_ACTIONS: ReadonlyMap<string, 'reject' | 'process_partial'> = new Map<
  string,
  'reject' | 'process_partial'
>([
  ['reject', 'reject'],
  ['processpartial', 'process_partial'],
])

/** Directives that this product answers elsewhere: read, and left without effect, with a warning that says where. */
const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ['secauditlog', 'the audit log is set with --audit-log'],
  ['secauditlog2', 'the audit log is set with --audit-log'],
  ['secauditlogdirmode', 'the audit log is set with --audit-log'],
  ['secauditlogfilemode', 'the audit log is set with --audit-log'],
  ['secauditlogformat', 'the audit log is JSON'],
  ['secauditlogparts', 'the audit log has one form'],
  ['secauditlogprefix', 'the audit log is set with --audit-log'],
  ['secauditlogrelevantstatus', 'the audit log holds every transaction with a logged match'],
  ['secauditlogstoragedir', 'the audit log is set with --audit-log'],
  ['secauditlogtype', 'the audit log is one file'],
  ['secconnengine', 'connections are limited by the gateway'],
  ['secdatadir', 'state lies in the data folder'],
  ['secdebuglog', 'logging is set in the configuration'],
  ['secdebugloglevel', 'logging is set in the configuration'],
  ['secgeolookupdb', 'the country data base is set in the configuration'],
  ['secinterceptonerror', 'a rule that cannot run is refused when it is loaded'],
  ['secpcrematchlimit', 'patterns are bounded when they are loaded'],
  ['secpcrematchlimitrecursion', 'patterns are bounded when they are loaded'],
  ['secrequestbodyinmemorylimit', 'held bodies are in memory'],
  ['secruleperftime', 'timings are in telemetry'],
  ['secsensorid', 'the agent id is set in the configuration'],
  ['secserversignature', 'the gateway names itself'],
  ['secstatusengine', 'this product reports to nobody'],
  ['sectmpdir', 'nothing is written while a request is judged'],
  ['sectmpsaveuploadedfiles', 'uploads are judged in memory'],
  ['secunicodecodepage', 'the code page stands in SecUnicodeMapFile'],
  ['secunicodemap', 'the map is set with SecUnicodeMapFile'],
  ['secuploaddir', 'uploads are judged in memory'],
  ['secuploadfilemode', 'uploads are judged in memory'],
  ['secuploadkeepfiles', 'uploads are judged in memory'],
])

/** Documented directives that are not offered, with the reason. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ['secrulescript', 'Lua is not run'],
  ['secremoterules', 'rules come from files that the operator has checked'],
  ['secremoterulesfailaction', 'rules come from files that the operator has checked'],
  ['seccontentinjection', 'responses are not rewritten by rules'],
  ['secstreaminbodyinspection', 'bodies are judged when they are held'],
  ['secstreamoutbodyinspection', 'bodies are judged when they are held'],
  ['sechashengine', 'link signing is not offered'],
  ['sechashkey', 'link signing is not offered'],
  ['sechashparam', 'link signing is not offered'],
  ['sechashmethodrx', 'link signing is not offered'],
  ['sechashmethodpm', 'link signing is not offered'],
  ['secguardianlog', 'there is no guardian process'],
  ['secchrootdir', 'the process is confined by its service manager'],
  ['secdisablebackendcompression', 'the gateway narrows Accept-Encoding by itself'],
  ['secgsblookupdb', 'the Google list is no longer published'],
  ['sechttpblkey', 'host lists are not looked up while a request waits'],
  ['secreadstatelimit', 'connections are limited by the gateway'],
  ['secwritestatelimit', 'connections are limited by the gateway'],
  ['secconnreadstatelimit', 'connections are limited by the gateway'],
  ['secconnwritestatelimit', 'connections are limited by the gateway'],
  ['secruleinheritance', 'a site has one rule set'],
  ['seccachetransformations', 'results of transformations are always kept for the transaction'],
])

/** Applies a directive that sets something; throws for one that does not exist. */
export function applySetting(settings: SettingsDraft, node: SettingNode, warn: Warn): void {
  const apply = DIRECTIVES.get(node.name)
  if (apply !== undefined) {
    apply(settings, node)
    return
  }
  const where = ELSEWHERE.get(node.name)
  if (where !== undefined) {
    warn(`${node.written} has no effect here: ${where}`, node.position)
    return
  }
  const reason = REFUSED.get(node.name)
  if (reason !== undefined) throw refused(node, reason)
  throw new SecLangError('SECLANG_UNKNOWN_DIRECTIVE', `unknown directive ${node.written}`, node.position)
}

function refused(node: SettingNode, reason: string): SecLangError {
  const written = [node.written, ...node.arguments].join(' ')
  return new SecLangError('SECLANG_REFUSED', `${written} is not offered: ${reason}`, node.position)
}

function one(node: SettingNode): string {
  const [value, ...rest] = node.arguments
  if (value === undefined || rest.length > 0) {
    throw new SecLangError('SECLANG_SYNTAX', `${node.written} takes one argument`, node.position)
  }
  return value
}

function some(node: SettingNode): readonly string[] {
  const values = node.arguments.flatMap((argument) => argument.split(/\s+/)).filter((part) => part !== '')
  if (values.length === 0) {
    throw new SecLangError('SECLANG_SYNTAX', `${node.written} wants at least one argument`, node.position)
  }
  return values
}

function choice<T>(node: SettingNode, choices: ReadonlyMap<string, T>): T {
  const value = choices.get(one(node).toLowerCase())
  if (value === undefined) throw bad(node, `one of ${[...choices.keys()].join(', ')} is wanted`)
  return value
}

function onOff(node: SettingNode): boolean {
  return choice(
    node,
    new Map([
      ['on', true],
      ['off', false],
    ]),
  )
}

function number(node: SettingNode): number {
  const value = one(node)
  if (!/^\d{1,15}$/.test(value)) throw bad(node, 'a whole number is wanted')
  return Number(value)
}

function oneCharacter(node: SettingNode): string {
  const value = one(node)
  if (value.length !== 1) throw bad(node, 'one character is wanted')
  return value
}

function bad(node: SettingNode, wanted: string): SecLangError {
  const message = `${node.written} ${node.arguments.join(' ')}: ${wanted}`
  return new SecLangError('SECLANG_BAD_ARGUMENT', message, node.position)
}
