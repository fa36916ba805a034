/** What the API says of books that do not balance; src/lca/balance.ts has the rules and why they are these. */

import { balanceRules } from '../../lca/balance.ts'
import { type Static, Type } from '../../spec/type.ts'
import { component, FiniteOrNull, ref } from './common.ts'

export const Unbalanced = component(
  'Unbalanced',
  Type.Object(
    {
      rules: Type.Array(Type.Enum([...balanceRules]), {
        description:
          'Which rules are broken. maxError: more than a hundredth of the iterations, and more than one, have a |residual| above maxError at maxSplits, and the sum of |residual| is above a hundredth of the way of the loss. residuals: the sum of |residual| is above a tenth of the way of the loss. total: the sum of the residuals is above a tenth of the change of the loss, so that LCA may have the wrong sign. The last two only above √iterations × maxError (but within 0.00001 and 0.001), so that a loss that hardly changes is no fault.',
      }),
      iterations: Type.Integer({ description: 'Iterations that are allocated.' }),
      above: Type.Integer({ description: 'Those whose |residual| is above maxError at maxSplits.' }),
      residual: FiniteOrNull('Sum of the residuals: lossChange − LCA.'),
      absoluteResidual: FiniteOrNull('Sum of |residual|.'),
      lossChange: FiniteOrNull('The change of the loss over these iterations.'),
      lossTravel: FiniteOrNull('The way of the loss: the sum of the sizes of its changes, up and down.'),
      message: Type.String({ description: 'All of it in words.' }),
    },
    {
      description:
        'Why the ledger of a split is not to be believed: its books do not balance. Steps were so long that the quadrature did not follow the loss along them; sums, signs and shares of layers can all be wrong.',
    },
  ),
)

/** `unbalanced` of something about one split. */
export const UnbalancedOrNull = Type.Unsafe<Static<typeof Unbalanced> | null>({
  anyOf: [ref(Unbalanced), { type: 'null' }],
  description: 'Null where the books of what is allocated balance.',
})
