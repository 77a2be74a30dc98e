import type { Transformation } from '../transformation.js'

const literal = /0[xX]((?:[0-9a-fA-F]{2})+)/g

/** Decodes the hexadecimal string literals of SQL: `0x414243` is `ABC`. A digit left over stays. */
export const sqlHexDecode: Transformation = (value) =>
  value.replace(literal, (_, digits: string) => Buffer.from(digits, 'hex').toString('latin1'))
