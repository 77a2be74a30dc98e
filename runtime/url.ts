import { z } from 'zod'

/** A URL in configuration with one of the schemes, which the error names. */
const urlOf = (...schemes: readonly string[]) =>
  z.url({
    protocol: new RegExp(`^(?:${schemes.join('|')})$`),
    error: ({ code }) =>
      code === 'invalid_format'
        ? `must be a URL that begins with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`
        : undefined,
  })

export const httpUrl = urlOf('http', 'https')
export const webSocketUrl = urlOf('ws', 'wss')
export const redisUrl = urlOf('redis', 'rediss')
