/** Which diagnostics an experiment asks for: a schema made from the registry (lca/diagnostics). */

import type { Diagnostic } from '../lca/diagnostics/diagnostic.ts'
import { recorded } from '../lca/diagnostics/registry.ts'
import { closed } from './composites.ts'
import { withDefaults } from './defaults.ts'
import type { JsonSchema } from './messages.ts'
import type { ResolvedDiagnostic } from './resolved.ts'
import { type TSchema, Type } from './type.ts'

const options = ({ options = {} }: Diagnostic) =>
  Type.Object(
    {
      ...(options.every !== undefined && {
        every: Type.Integer({
          ...{ minimum: 1, maximum: 10_000_000, default: options.every },
          description: 'At iterations that are multiples of it.',
        }),
      }),
      ...(options.examples !== undefined && {
        examples: Type.Integer({
          ...{ minimum: 1, maximum: 10_000_000, default: options.examples },
          description: 'Examples of each split that it looks at; of one that has fewer, all.',
        }),
      }),
    } as Record<string, TSchema>,
    closed,
  )

const optionsOf = Object.fromEntries(recorded.map(diagnostic => [diagnostic.name, options(diagnostic)]))

/** `true`, its options where it has any, or `false` for each; the free ones are on where nothing is said. */
export const DiagnosticsSpec = Type.Unsafe<Record<string, boolean | ResolvedDiagnostic>>(
  Type.Object(
    Object.fromEntries(
      recorded.map(({ name, description, cost, options }) => {
        const more = { default: cost === 'free', description }
        const schema = options ? Type.Union([Type.Boolean(), optionsOf[name]], more) : Type.Boolean(more)
        return [name, Type.Optional(schema)]
      }),
    ),
    {
      ...closed,
      default: {},
      description:
        'What is recorded beside the allocations, by name: true, options, or false. Those that cost next to nothing are on by default.',
    },
  ),
)

/** Options in full in the place of `true`, of those that have any. */
export function resolveDiagnostics(
  asked: Record<string, boolean | ResolvedDiagnostic>,
): Record<string, boolean | ResolvedDiagnostic> {
  return Object.fromEntries(
    Object.entries(asked).map(([name, value]) => {
      const schema = optionsOf[name] as unknown as JsonSchema
      const hasOptions = Object.keys(schema.properties ?? {}).length > 0
      const full = () => withDefaults(schema, {}, []) as ResolvedDiagnostic
      return [name, value === true && hasOptions ? full() : value]
    }),
  )
}
