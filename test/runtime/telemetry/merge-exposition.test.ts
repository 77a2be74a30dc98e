import t from 'tap'

import { mergeExposition } from '../../../runtime/telemetry/merge-exposition.js'

void t.test('puts each family once, with the samples of all parts together', async (t) => {
  const part = (role: string) =>
    [
      '# HELP up_total Is it up',
      '# TYPE up_total counter',
      `up_total{role="${role}"} 1`,
      '# HELP took_seconds How long',
      '# TYPE took_seconds histogram',
      `took_seconds_count{role="${role}"} 2`,
      `took_seconds_sum{role="${role}"} 3`,
      '',
    ].join('\n')
  t.equal(
    mergeExposition([part('a'), '', part('b'), 'bare 1\n']),
    [
      '# HELP up_total Is it up',
      '# TYPE up_total counter',
      'up_total{role="a"} 1',
      'up_total{role="b"} 1',
      '# HELP took_seconds How long',
      '# TYPE took_seconds histogram',
      'took_seconds_count{role="a"} 2',
      'took_seconds_sum{role="a"} 3',
      'took_seconds_count{role="b"} 2',
      'took_seconds_sum{role="b"} 3',
      'bare 1',
      '',
    ].join('\n'),
  )
})
