/** All sweeps, newest first. */
import type { SweepListItem } from '../../../clients/typescript/src/index.ts'
import { linkTo } from '../address.ts'
import { time, whole } from '../format.ts'
import { ledger } from '../ledger.ts'
import { useLoad } from '../parts/load.ts'
import { Failed, Title } from '../parts/small.tsx'
import { Table } from '../parts/table.tsx'

const most = 500

export function SweepsPage() {
  const { value, error } = useLoad(async () => {
    const sweeps: SweepListItem[] = []
    for await (const sweep of ledger.listSweeps()) if (sweeps.push(sweep) >= most) break
    return sweeps
  }, [])
  return (
    <div class="stack">
      <Title>Sweeps</Title>
      <Failed error={error} />
      {value?.length === 0 && (
        <p class="notice">
          There are none. POST /v1/sweeps, or `ledger sweep`, runs a spec with what is to vary about it.
        </p>
      )}
      {value && value.length > 0 && (
        <Table
          label="Sweeps"
          headings={['Name', ['Experiments'], ['Succeeded'], ['Failed'], 'Variants', 'Posted']}
        >
          <tbody>
            {value.map(({ id, name, experimentCount, counts, variants, createdAt }) => (
              <tr key={id}>
                <td>
                  <a class="name" dir="auto" href={linkTo(['sweeps', id])}>
                    {(name || id.slice(0, 13)).slice(0, 300)}
                  </a>
                </td>
                <td class="number">{whole(experimentCount)}</td>
                <td class="number">{whole(counts.succeeded)}</td>
                <td class="number">{whole(counts.failed)}</td>
                <td>
                  <span class="name" dir="auto">
                    {variants.slice(0, 8).join(', ').slice(0, 300)}
                  </span>
                </td>
                <td>{time(createdAt)}</td>
              </tr>
            ))}
          </tbody>
        </Table>
      )}
      {value?.length === most && <p class="muted">The newest {most}.</p>}
    </div>
  )
}
