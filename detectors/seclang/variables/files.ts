import type { Entry } from '../collections/entry.js'
import type { UploadedFile } from '../bodies/body.js'
import type { TransactionState } from '../state.js'
import type { VariableDefinition } from './definition.js'
import { scalarVariable } from './scalar.js'

function fileVariable(name: string, value: (file: UploadedFile) => string): VariableDefinition {
  return {
    name,
    kind: 'collection',
    entries: (state) =>
      filesOf(state).map((file): Entry => ({ key: file.field, value: value(file), of: file })),
  }
}

function filesOf(state: TransactionState): readonly UploadedFile[] {
  return state.body.multipart?.files ?? []
}

/** File names as the client gave them, by form field. */
export const files = fileVariable('FILES', (file) => file.filename)

/** Names of the form fields that carried files. */
export const filesNames = fileVariable('FILES_NAMES', (file) => file.field)

/** Sizes in bytes, by form field. */
export const filesSizes = fileVariable('FILES_SIZES', (file) => String(file.content.length))

/** Contents. They are judged in memory; no temporary file exists. */
export const filesTmpContent = fileVariable('FILES_TMP_CONTENT', (file) => file.content)

export const filesCombinedSize = scalarVariable('FILES_COMBINED_SIZE', (state) => {
  let size = 0
  for (const file of filesOf(state)) size += file.content.length
  return String(size)
})
