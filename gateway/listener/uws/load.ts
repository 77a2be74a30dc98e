import { createRequire } from 'node:module'
import type * as uWS from 'uWebSockets.js'
import { ListenerError } from '../errors.js'

export type Uws = typeof uWS

/** uWebSockets' own switch for "no `uWebSockets` field in responses". */
const SILENT = '999999990007'

let loaded: Uws | undefined

/**
 * Loads the native module, only when somebody asks for it.
 *
 * @throws ListenerError `LISTENER_UNAVAILABLE` when the package is missing, or is not native here: the registry's build
 *   then answers with a rewrite in plain JavaScript under the same name, which is another parser than the one we know.
 */
export function loadUws(): Uws {
  if (loaded !== undefined) return loaded
  let module: Uws
  try {
    module = createRequire(import.meta.url)('uWebSockets.js') as Uws
  } catch (cause) {
    throw new ListenerError('LISTENER_UNAVAILABLE', 'uWebSockets.js cannot be loaded', { cause })
  }
  if (!isNative(module.App)) {
    throw new ListenerError(
      'LISTENER_UNAVAILABLE',
      `uWebSockets.js has no binary for ${process.platform} ${process.arch} with node ABI ${process.versions.modules}: ` +
        'what was loaded is its plain JavaScript fallback',
    )
  }
  module._cfg(SILENT)
  loaded = module
  return module
}

function isNative(value: unknown): boolean {
  return typeof value === 'function' && Function.prototype.toString.call(value).includes('[native code]')
}
