import { z } from 'zod'
import { equivocationsAnswer, witnessedAnswer } from '../witnessing/api.js'
import { JSON_TYPE, TEXT_TYPE } from './message.js'
import { NONE, route } from './route.js'

export const getWitnessed = route({
  method: 'GET',
  path: '/v1/checkpoint/witnessed',
  name: 'getWitnessed',
  summary: 'The newest checkpoint that has its quorum of cosignatures',
  access: 'read',
  parameters: NONE,
  query: NONE,
  answers: { 200: { description: 'C2SP tlog-checkpoint.', content: { [TEXT_TYPE]: 'text' } } },
  problems: [400, 401, 404],
  handle: ({ options }) => witnessedAnswer(options.witnessing),
})

export const getEquivocations = route({
  method: 'GET',
  path: '/v1/equivocations',
  name: 'getEquivocations',
  summary: 'Proofs that the key of this log signed two histories',
  access: 'read',
  parameters: NONE,
  query: NONE,
  answers: {
    200: {
      description: 'None is how it should be.',
      content: {
        [JSON_TYPE]: z.strictObject({ equivocations: z.array(z.looseObject({ format: z.string() })) }),
      },
    },
  },
  problems: [400, 401],
  handle: ({ options }) => equivocationsAnswer(options.witnessing),
})
