/** All experiments as one table: what is asked for is in the address, rows are fetched as they come into view. */
import { useState } from 'preact/hooks'
import { linkTo } from '../address.ts'
import { counted, whole } from '../format.ts'
import { Title } from '../parts/small.tsx'
import { Actions } from './experiments/actions.tsx'
import { columnNamed, isColumn, usual } from './experiments/columns.tsx'
import { Filters, Search } from './experiments/controls.tsx'
import { useFollowed, useRows, whereOf } from './experiments/rows.ts'
import { Table } from './experiments/table.tsx'

export function ExperimentsPage({ query }: { query: URLSearchParams }) {
  const status = query.getAll('status')
  const tag = query.getAll('tag')
  const group = query.get('group') ?? ''
  const shown = query.getAll('column').length > 0 ? query.getAll('column') : usual()
  const sort = group || (query.get('sort') ?? undefined)
  const rows = useRows({
    ...{ status, tag, sort, sweep: query.get('sweep') ?? undefined, where: whereOf(query.get('q') ?? '') },
    field: [...new Set([...shown.filter(id => !isColumn(id)), ...(group ? [group] : [])])],
  })
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set())
  const filtered = ['status', 'tag', 'sweep', 'q'].some(name => query.has(name))
  const picked = selected.size === 0 ? [] : rows.items.filter(({ id }) => selected.has(id))
  useFollowed(rows)
  return (
    <div class="stack">
      <div class="row">
        <div class="grow">
          <Title>Experiments</Title>
        </div>
        <a class="button primary" href={linkTo(['new'])}>
          New experiment
        </a>
        <button type="button" onClick={rows.reload}>
          Reload
        </button>
      </div>
      <Search query={query} error={rows.error} />
      <Filters {...{ status, tag, shown, group }} items={rows.items} />
      <div class="row" style={{ minHeight: '34px' }}>
        <span class="muted" role="status">
          {rows.loading && rows.items.length === 0
            ? 'Loading …'
            : `${countOf(rows, filtered)}${picked.length > 0 ? `, ${whole(picked.length)} selected` : ''}`}
        </span>
        <Actions
          picked={picked}
          done={() => {
            setSelected(new Set())
            rows.reload()
          }}
        />
      </div>
      <Table
        {...{ rows, sort, group, filtered, selected }}
        columns={shown.map(columnNamed)}
        select={setSelected}
      />
    </div>
  )
}

/** How many are listed: of those that are asked for, which may be more than have been read. */
function countOf({ items, complete }: { items: unknown[]; complete: boolean }, filtered: boolean): string {
  const matching = filtered ? ' that match' : ''
  if (!complete) return `the first ${counted(items.length, 'experiment')}${matching}; more as you scroll`
  return `${counted(items.length, 'experiment')}${items.length === 1 && filtered ? ' that matches' : matching}`
}
