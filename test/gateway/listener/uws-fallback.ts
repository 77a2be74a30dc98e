import { pickListener } from '../../../gateway/listener/choose.js'
import { ListenerError } from '../../../gateway/listener/errors.js'
import { loadUws } from '../../../gateway/listener/uws/load.js'

try {
  loadUws()
  process.send?.({ code: 'none', message: 'it was loaded' })
} catch (error) {
  if (!(error instanceof ListenerError)) throw error
  process.send?.({
    code: error.code,
    message: error.message,
    picked: await pickListener('auto', { tls: false, threads: 2 }),
  })
}
process.disconnect()
