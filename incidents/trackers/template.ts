import { z } from 'zod'
import { TrackerError } from './errors.js'

/** What a template may name. */
export const TEMPLATE_FIELDS = [
  'title',
  'body',
  'severity',
  'state',
  'marker',
  'project',
  'id',
  'key',
  'text',
] as const

export type TemplateField = (typeof TEMPLATE_FIELDS)[number]
export type TemplateValues = Partial<Readonly<Record<TemplateField, string>>>
export type JsonTemplate =
  string | number | boolean | null | readonly JsonTemplate[] | { readonly [key: string]: JsonTemplate }

/** Bounded, so that a hostile text costs nothing more than its length. */
const PLACEHOLDER = /\{\{([^{}]{0,40})\}\}/g
const FIELDS: ReadonlySet<string> = new Set(TEMPLATE_FIELDS)

const unknownFields = (text: string): string[] =>
  [...text.matchAll(PLACEHOLDER)].map(([, name = '']) => name).filter((name) => !FIELDS.has(name))

const explain = (text: string): string =>
  `{{${unknownFields(text)[0] ?? ''}}} is none of the fields ${TEMPLATE_FIELDS.join(', ')}`

const templateText = z
  .string()
  .max(16_384)
  .refine((text) => unknownFields(text).length === 0, {
    error: (issue) => explain(String(issue.input)),
  })

/** A path below `base_url`; each value is percent-encoded where it is put in, so that none can add a segment or a parameter. */
export const pathTemplate = templateText
  .max(2048)
  .regex(/^\/(?!\/)[\x21-\x7e]*$/, 'must begin with one slash and hold no blanks')
  .refine((path) => !path.includes('#'), 'must hold no fragment')

/** A JSON value; fields are put into its strings only, never into its keys, so that no value can change its structure. */
export const jsonTemplate: z.ZodType<JsonTemplate> = z.lazy(() =>
  z.union([
    templateText,
    z.number(),
    z.boolean(),
    z.null(),
    z.array(jsonTemplate).max(100),
    z.record(z.string().max(200), jsonTemplate),
  ]),
)

/** One pass: what a value holds is never read as a template again. */
const fill = (text: string, values: TemplateValues, encode: (value: string) => string): string =>
  text.replace(PLACEHOLDER, (_, name: TemplateField) => encode(values[name] ?? ''))

/** @throws TrackerError `TRACKER_INVALID` for a value that would climb in the path, which percent-encoding does not prevent */
export const fillPath = (template: string, values: TemplateValues): string =>
  fill(template, values, (value) => {
    if (/^\.{1,2}$/.test(value))
      throw new TrackerError('TRACKER_INVALID', 'a path cannot be made of dots', {
        retryable: false,
        ambiguous: false,
      })
    // A lone surrogate has no percent-encoding.
    return encodeURIComponent(Buffer.from(value, 'utf8').toString('utf8'))
  })

export function fillJson(template: JsonTemplate, values: TemplateValues): JsonTemplate {
  if (typeof template === 'string') return fill(template, values, (value) => value)
  if (template === null || typeof template !== 'object') return template
  if (isList(template)) return template.map((item) => fillJson(item, values))
  return Object.fromEntries(Object.entries(template).map(([key, item]) => [key, fillJson(item, values)]))
}

const isList = (template: JsonTemplate): template is readonly JsonTemplate[] => Array.isArray(template)
