import type { Transformation } from '../transformation.js'

const marks = /\/\*|\*\/|<!--|-->|--|#/g

/** Removes the marks of comments and keeps what they enclose. */
export const removeCommentsChar: Transformation = (value) => value.replace(marks, '')
