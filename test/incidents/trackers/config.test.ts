import t from 'tap'
import { configSchema } from '../../../cli/config.js'

t.test('webhooks of a tracker need a listener that they come to', async (t) => {
  const refused = (incidents: object): readonly string[] =>
    configSchema
      .safeParse({
        incidents,
        trackers: [
          {
            name: 'edge',
            type: 'github',
            token: 'env:T',
            project: 'o/r',
            webhook_secrets: ['env:S'],
          },
        ],
      })
      .error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? []
  t.strictSame(refused({}), [
    'trackers.0.webhook_secrets: the webhooks of edge come to incidents.listen, which is not set',
  ])
  t.strictSame(refused({ listen: '127.0.0.1:8480' }), [])
})
