import { userInfo } from 'node:os'

/** Who runs the command, as commands and entries of the ledger name persons. */
export const actingPerson = (): string => `person:${userInfo().username}`
