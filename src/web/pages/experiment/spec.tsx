/** What was asked for: the resolved spec, with what differs from the defaults marked, and how to ask for it again. */
import type { Experiment, ExperimentSpec } from '../../../../clients/typescript/src/index.ts'
import { base, ledger } from '../../ledger.ts'
import { useLoad } from '../../parts/load.ts'
import { CopyButton, Failed } from '../../parts/small.tsx'
import { asCli, asCurl, asPython } from '../../parts/snippets.ts'

/** What has to be said, and no more: what the service makes of it are the defaults. */
function least({ dataset, architecture, optimizer, training }: Experiment['spec']): ExperimentSpec {
  const layers = 'layers' in architecture ? { layers: architecture.layers } : {}
  return {
    dataset: { name: dataset.name },
    architecture: { name: architecture.name, ...layers },
    optimizer: { name: optimizer.name },
    training: { iterations: training.iterations },
  } as ExperimentSpec
}

export function SpecTab({ experiment: { id, spec } }: { experiment: Experiment }) {
  const defaults = useLoad(
    async () => {
      const { chunkSize: _, ...allocation } = spec.allocation
      const [usual, automatic] = await Promise.all([
        ledger.preview(least(spec)),
        ledger.preview({ ...spec, allocation }),
      ])
      // What 'auto' makes of the other fields is no choice.
      return {
        ...usual.spec,
        allocation: { ...usual.spec.allocation, chunkSize: automatic.spec.allocation.chunkSize },
      }
    },
    [],
    id,
  )
  const lines = linesOf(spec, defaults.value)
  return (
    <div class="stack">
      <div class="row">
        <CopyButton text={() => JSON.stringify(spec, null, 2)}>Copy JSON</CopyButton>
        <CopyButton text={() => asCurl(base, spec)}>Copy as curl</CopyButton>
        <CopyButton text={() => asPython(base, spec)}>Copy as Python</CopyButton>
        <CopyButton text={() => asCli(spec)}>Copy as CLI</CopyButton>
      </div>
      {defaults.error ? (
        <>
          <p class="muted">
            What differs from the defaults is not marked: they cannot be worked out for this spec.
          </p>
          <Failed error={defaults.error} />
        </>
      ) : (
        <p class="muted">Every default is filled in. What differs from the defaults is marked ◆.</p>
      )}
      <pre class="spec" tabIndex={0} role="region" aria-label="Resolved spec">
        {lines.map(({ text, set }, i) => (
          // A line has no other name.
          <span key={i} class={set ? 'line set' : 'line'} dir="ltr">
            {set ? '◆ ' : '  '}
            {text}
          </span>
        ))}
      </pre>
    </div>
  )
}

type Line = { text: string; set: boolean }

/** A value as lines of JSON; those are `set` that say something else than the defaults. */
export function linesOf(value: unknown, usual: unknown): Line[] {
  const lines: Line[] = []
  const write = (
    value: unknown,
    usual: unknown,
    indent: string,
    before: string,
    after: string,
    known: boolean,
  ) => {
    const isPlain = typeof value === 'object' && value !== null && !Array.isArray(value)
    const differs = known && JSON.stringify(value) !== JSON.stringify(usual)
    const entries = isPlain ? Object.entries(value) : []
    if (entries.length === 0) {
      lines.push({ text: `${indent}${before}${JSON.stringify(value)}${after}`, set: differs })
      return
    }
    lines.push({ text: `${indent}${before}{`, set: false })
    for (const [i, [key, child]] of entries.entries())
      write(
        child,
        Object(usual)[key],
        `${indent}  `,
        `${JSON.stringify(key)}: `,
        i < entries.length - 1 ? ',' : '',
        known,
      )
    lines.push({ text: `${indent}}${after}`, set: false })
  }
  write(value, usual, '', '', '', usual !== undefined)
  return lines
}
