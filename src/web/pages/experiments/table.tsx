/** The table itself, of which only what is in view is there. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { changeQuery } from '../../address.ts'
import { nameOf } from '../../parts/small.tsx'
import type { Column, Item } from './columns.tsx'
import type { Rows } from './rows.ts'

/** Pixels of a row, as style.css has it. */
const rowHeight = 34
/** Rows above and below those in view that are there already. */
const margin = 12

type Entry = { item: Item } | { group: string }

/** The rows with a heading before each group. */
function entriesOf(items: Item[], group: string): Entry[] {
  if (group === '') return items.map(item => ({ item }))
  const entries: Entry[] = []
  let last: string | undefined
  for (const item of items) {
    const value = item.values?.[group]
    const name = value === null || value === undefined ? `without ${group}` : String(value)
    if (name !== last) entries.push({ group: name })
    last = name
    entries.push({ item })
  }
  return entries
}

export function Table(props: {
  rows: Rows
  columns: Column[]
  sort: string | undefined
  group: string
  /** Whether these are not all that there are. */
  filtered: boolean
  selected: ReadonlySet<string>
  select(ids: ReadonlySet<string>): void
}) {
  const { rows, columns, sort, group, filtered, selected, select } = props
  const { items } = rows
  const entries = useMemo(() => entriesOf(items, group), [items, group])
  const frame = useRef<HTMLDivElement>(null)
  const [view, setView] = useState({ top: 0, height: 800 })
  const first = Math.min(entries.length, Math.max(0, Math.floor(view.top / rowHeight) - margin))
  const last = Math.min(entries.length, Math.ceil((view.top + view.height) / rowHeight) + margin)
  const shown = useMemo(() => entries.slice(first, last), [entries, first, last])
  const look = () => {
    if (!frame.current) return
    const { scrollTop, clientHeight } = frame.current
    // Only as often as other rows come into view.
    if (
      Math.floor(scrollTop / rowHeight) !== Math.floor(view.top / rowHeight) ||
      clientHeight !== view.height
    )
      setView({ top: scrollTop, height: clientHeight })
  }
  useEffect(() => {
    look()
    if (last >= entries.length - 100) rows.more()
  }, [last, entries.length])
  const toggle = (id: string) => {
    const next = new Set(selected)
    if (!next.delete(id)) next.add(id)
    select(next)
  }
  if (items.length === 0)
    return rows.complete && !rows.error ? (
      <p class="notice">
        {filtered
          ? 'There are none that this is true of.'
          : 'There are none. “New experiment”, POST /v1/experiments or `ledger submit` runs one.'}
      </p>
    ) : null
  const width = columns.length + 1
  return (
    <div
      class="scroll virtual"
      ref={frame}
      onScroll={look}
      tabIndex={0}
      role="region"
      aria-label="Experiments"
    >
      <table aria-rowcount={rows.complete ? entries.length + 1 : -1}>
        <thead>
          <tr>
            <th scope="col">
              <input
                type="checkbox"
                aria-label="Select all that are loaded"
                checked={items.every(({ id }) => selected.has(id))}
                onChange={event =>
                  select(new Set(event.currentTarget.checked ? items.map(({ id }) => id) : []))
                }
              />
            </th>
            {columns.map(column => (
              <Heading key={column.id} column={column} sort={sort} />
            ))}
          </tr>
        </thead>
        <tbody>
          {first > 0 && (
            <tr class="space" aria-hidden="true">
              <td colSpan={width} style={{ height: `${first * rowHeight}px` }} />
            </tr>
          )}
          {shown.map((entry, i) =>
            'group' in entry ? (
              <tr key={`group ${first + i}`} aria-rowindex={first + i + 2}>
                <th colSpan={width} scope="rowgroup" style={{ position: 'static' }}>
                  <bdi>{entry.group.slice(0, 200)}</bdi>
                </th>
              </tr>
            ) : (
              <tr
                key={entry.item.id}
                aria-rowindex={first + i + 2}
                aria-selected={selected.has(entry.item.id)}
              >
                <td>
                  <input
                    type="checkbox"
                    aria-label={`Select ${nameOf(entry.item).slice(0, 100)}`}
                    checked={selected.has(entry.item.id)}
                    onChange={() => toggle(entry.item.id)}
                  />
                </td>
                {columns.map(({ id, numeric, cell }) => (
                  <td key={id} class={numeric ? 'number' : ''}>
                    {cell(entry.item)}
                  </td>
                ))}
              </tr>
            ),
          )}
          {last < entries.length && (
            <tr class="space" aria-hidden="true">
              <td colSpan={width} style={{ height: `${(entries.length - last) * rowHeight}px` }} />
            </tr>
          )}
        </tbody>
      </table>
    </div>
  )
}

function Heading({ column: { title, field, numeric }, sort }: { column: Column; sort: string | undefined }) {
  const own =
    field !== undefined && (sort === field ? 'ascending' : sort === `-${field}` ? 'descending' : undefined)
  // Once for the largest, once more for the smallest first, and once more as it was.
  const next = own === 'descending' ? field : own === 'ascending' ? undefined : `-${field}`
  return (
    <th scope="col" class={numeric ? 'number' : ''} aria-sort={own || undefined}>
      {field === undefined ? (
        title
      ) : (
        <button type="button" onClick={() => changeQuery({ sort: next, group: undefined })}>
          {title}
          {own === 'ascending' ? ' ↑' : own === 'descending' ? ' ↓' : ''}
        </button>
      )}
    </th>
  )
}
