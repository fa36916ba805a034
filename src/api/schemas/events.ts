/** Server-sent events of an experiment. */
import { Type } from '../../spec/type.ts'
import { positionPattern } from '../routes/events/position.ts'
import { closed, exampleId, uuidPattern } from './common.ts'

const lastEventId = (description: string) =>
  Type.Optional(Type.String({ pattern: positionPattern, description, examples: ['0', '8-412-train'] }))

export const EventsHeaders = Type.Object({
  'last-event-id': lastEventId('The id of the last event you have: go on after it. 0: from the beginning.'),
})
export const EventsQuery = Type.Object(
  { lastEventId: lastEventId('The same, for clients that cannot set the header on their first connection.') },
  closed,
)

export const eventsExample = `event: status
id: 7
data: {"status":"allocating","progress":{"phase":"allocating","done":350,"total":1000,"etaSeconds":41}}

event: iteration
id: 8-350-train
data: {"iteration":350,"split":"train","loss":0.41,"lossAfter":0.408,"lca":-0.002,"residual":1e-7,"splits":1,"helpFractionOfMoved":0.641,"helpFractionOfAll":0.512}

event: decision
id: 8-350-decision
data: {"iteration":350,"decisions":[{"layer":"fc_1","rule":"freezeHurting","action":"freeze","steps":20,"sum":0.012,"low":0.003,"high":0.021,"until":400,"factor":null}]}

`

export const mostFollowed = 100
export const SeveralQuery = Type.Object(
  {
    id: Type.Array(Type.String({ pattern: uuidPattern }), {
      minItems: 1,
      maxItems: mostFollowed,
      description: 'An experiment; to be repeated.',
      examples: [[exampleId]],
    }),
  },
  closed,
)
export const severalExample = `event: status
id: 7
data: {"id":"${exampleId}","status":"allocating","progress":{"phase":"allocating","done":350,"total":1000,"etaSeconds":41}}

`
