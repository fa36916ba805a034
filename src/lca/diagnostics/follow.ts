/** The diagnostics of a segment: a consumer of steps that feeds those that are asked for, and hands over what they leave. */
import type { VariableFacts } from '../../spec/facts.ts'
import type { ResolvedDiagnostic } from '../../spec/resolved.ts'
import type { SplitName } from '../../spec/schema.ts'
import { layerUnits } from '../../spec/units.ts'
import type { Step } from '../allocate.ts'
import type { SegmentColumns } from '../columns.ts'
import type { Diagnostic, FollowContext, Follower, NetworkOf } from './diagnostic.ts'

export type AskedDiagnostic = { diagnostic: Diagnostic; options: ResolvedDiagnostic }

/** What diagnostics are told of a network. */
export function networkOf(variables: VariableFacts[]): NetworkOf {
  const layers = [...new Set(variables.map(({ layer }) => layer))]
  return {
    variables,
    layers,
    layerOf: variables.map(({ layer }) => layers.indexOf(layer)),
    units: layerUnits(variables),
    parameters: variables.reduce((sum, { size }) => sum + size, 0),
  }
}

/** The vectors that segments leave for their seams, in the order in which they lie in the segment's object. */
export const seamVectors = (asked: AskedDiagnostic[]): { diagnostic: Diagnostic; vector: string }[] =>
  asked.flatMap(({ diagnostic }) => (diagnostic.seams?.vectors ?? []).map(vector => ({ diagnostic, vector })))

export function followDiagnostics(
  asked: AskedDiagnostic[],
  context: Omit<FollowContext, 'options'>,
): {
  step(step: Step): Promise<void>
  /** After the last step: every table of every split. */
  columns(): SegmentColumns[]
  /** After the last step: the rows of the seams' object of a split, as `seamVectors` orders them. */
  seams(split: SplitName): Float32Array[]
} {
  const followers: { diagnostic: Diagnostic; follower: Follower }[] = asked.flatMap(
    ({ diagnostic, options }) => {
      const follower = diagnostic.follow?.({ ...context, options })
      return follower === undefined ? [] : [{ diagnostic, follower }]
    },
  )
  const { splits } = context
  return {
    async step(step) {
      for (const { follower } of followers) await follower.step(step)
    },
    columns: () =>
      followers.flatMap(({ diagnostic, follower }) => {
        const tables = follower.tables()
        return diagnostic.tables.flatMap(({ kind, of }): SegmentColumns[] => {
          if (of === 'run') return []
          return splits.map(split => {
            const columns = tables[kind]?.[split]
            if (columns === undefined)
              throw new Error(`the diagnostic ${diagnostic.name} left no ${kind} of ${split}`)
            return { kind, split, of, columns }
          })
        })
      }),
    seams: split =>
      seamVectors(asked).map(({ diagnostic, vector }) => {
        const { follower } = followers.find(one => one.diagnostic === diagnostic)!
        const found = follower.seams?.()[split]?.[vector]
        if (found === undefined)
          throw new Error(`the diagnostic ${diagnostic.name} left no ${vector} of ${split}`)
        return found
      }),
  }
}
