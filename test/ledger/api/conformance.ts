/** Holds every answer that a test sees against the OpenAPI document. */
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { ValidateFunction } from 'ajv/dist/2020.js'
import { openApiDocument } from '../../../ledger/api/openapi.js'
import { ROUTES } from '../../../ledger/api/routes.js'

const document = openApiDocument(ROUTES)
const ajv = new Ajv2020({ strict: false, validateFormats: false })
ajv.addSchema(document, 'openapi')
const validators = new Map<string, ValidateFunction>()

/** Routes and statuses that were answered, as `getEntry 404`. */
const answered = new Set<string>()

/** Those that the document has and that this process has not seen answered. */
export function unanswered(): string[] {
  const declared = Object.values(document.paths)
    .flatMap((path) => Object.values(path))
    .flatMap(({ operationId, responses }) =>
      Object.keys(responses).map((status) => `${operationId} ${status}`),
    )
  return declared.filter((one) => !one.endsWith(' default') && !answered.has(one))
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: Uint8Array
}

/** Throws when the document does not say that the route answers so. */
export function assertConforms(method: string, target: string, answer: Answer): void {
  const path = target.split('?')[0] ?? ''
  const verb = method === 'HEAD' ? 'GET' : method
  const route = ROUTES.find((one) => one.method === verb && matches(one, path))
  if (route === undefined) return
  answered.add(`${route.name} ${answer.status}`)
  const where = `${method} ${target} → ${answer.status}`
  const operation = document.paths[route.path]?.[verb.toLowerCase()]
  const response = operation?.responses[String(answer.status)]
  // The server itself answers 400, 408, 413 and 431 before a route is asked.
  if (response === undefined) throw new Error(`${where} is not in the document`)
  const given = String(answer.headers['content-type'])
  const type = Object.keys(response.content ?? {}).find((one) => one === given)
  if (type === undefined) throw new Error(`${where}: ${given} is not in the document`)
  if (!type.endsWith('json') || method === 'HEAD') return
  const pointer = [
    'paths',
    route.path,
    verb.toLowerCase(),
    'responses',
    String(answer.status),
    'content',
    type,
    'schema',
  ]
  const reference = `openapi#/${pointer.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`
  const validate = validators.get(reference) ?? ajv.compile({ $ref: reference })
  validators.set(reference, validate)
  if (!validate(JSON.parse(Buffer.from(answer.body).toString('utf8'))))
    throw new Error(
      `${where}: ${ajv.errorsText(validate.errors)}\n${Buffer.from(answer.body).toString().slice(0, 500)}`,
    )
}

function matches(route: (typeof ROUTES)[number], path: string): boolean {
  try {
    return route.match(path) !== undefined
  } catch {
    return false
  }
}
