/** What workers said of an experiment. */
import type { Experiment, LogLine } from '../../../../clients/typescript/src/index.ts'
import { counted, duration, time, whole } from '../../format.ts'
import { ledger } from '../../ledger.ts'
import { useLoad } from '../../parts/load.ts'
import { Failed } from '../../parts/small.tsx'
import { Table } from '../../parts/table.tsx'

export function LogTab({ experiment: { id, status }, version }: { experiment: Experiment; version: number }) {
  const { value, error } = useLoad(
    async () => {
      const lines: LogLine[] = []
      for await (const line of ledger.logs(id)) lines.push(line)
      return lines.reverse()
    },
    [],
    id,
    `${version} ${status}`,
  )
  if (!value) return error ? <Failed error={error} /> : <p class="muted">Loading …</p>
  if (value.length === 0)
    return (
      <p class="notice">
        {status === 'queued'
          ? 'No worker has taken it yet.'
          : 'Nothing is kept: it was worked on by an earlier version.'}
      </p>
    )
  return (
    <div class="stack">
      <p class="muted" role="status">
        {counted(value.length, 'line')}, the newest first
        {value.length >= 1000 && '; earlier ones are not kept'}.
      </p>
      <Failed error={error} />
      <Table label="Log" maxHeight="70vh" headings={['Time', 'Level', 'What', 'About', 'Worker']}>
        <tbody>
          {value.map(({ at, level, message, facts, worker }, n) => (
            <tr key={value.length - n}>
              <td class="mono">
                <time dateTime={at}>{time(at)}</time>
              </td>
              <td class={level === 'info' ? 'muted' : 'hurts'}>{level}</td>
              <td class="wide">{message}</td>
              <td class="wide muted">{factsInWords(facts)}</td>
              <td class="mono">{worker}</td>
            </tr>
          ))}
        </tbody>
      </Table>
    </div>
  )
}

/** What a line is about, the iterations first. */
function factsInWords(facts: Record<string, unknown>): string {
  const { from, to, seconds, outcome, ...others } = facts
  return [
    ...(typeof from === 'number' && typeof to === 'number'
      ? [`iterations ${whole(from)} to ${whole(to)}`]
      : []),
    ...(typeof seconds === 'number' ? [duration(seconds)] : []),
    ...Object.entries(others).map(([name, fact]) =>
      typeof fact === 'number'
        ? `${whole(fact)} ${name}`
        : `${name}: ${typeof fact === 'string' ? fact : JSON.stringify(fact)}`,
    ),
    // That it was recorded is what is expected.
    ...(typeof outcome === 'string' && outcome !== 'recorded' ? [outcome] : []),
  ].join(' · ')
}
