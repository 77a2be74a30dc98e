import { codeOf } from '../../runtime/errors.js'

/** An error that is answered with 504. */
export const timedOut = (message: string): Error => Object.assign(new Error(message), { code: 'ETIMEDOUT' })

export const isTimeout = (error: Error): boolean => codeOf(error) === 'ETIMEDOUT'

/** The status that a failed upstream request becomes: 504 for a timeout, 502 for anything else. */
export const statusOfUpstreamError = (error: Error): 502 | 504 => (isTimeout(error) ? 504 : 502)
