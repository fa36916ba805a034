/** All experiments as one table: what is asked for is in the address, rows are fetched as they come into view. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { type ExperimentListItem, isFinished } from '../../../clients/typescript/src/index.ts'
import { changeQuery, linkTo } from '../address.ts'
import { number, percent, signed, time, whole } from '../format.ts'
import { ledger, noteError } from '../ledger.ts'
import { ActionButton, Failed, nameOf, Status, Tags, Title } from '../parts/small.tsx'

const statuses = ['queued', 'training', 'allocating', 'succeeded', 'failed', 'cancelled'] as const
/** Pixels of a row, as style.css has it. */
const rowHeight = 34
/** Rows above and below those in view that are there already. */
const margin = 12
const pageSize = 200

type Item = ExperimentListItem
type Column = { id: string; title: string; numeric?: boolean; cell(item: Item): preact.ComponentChildren }

const columns: Column[] = [
  { id: 'status', title: 'Status', cell: item => <StatusCell item={item} /> },
  {
    id: 'name',
    title: 'Name',
    cell: item => (
      <a class="name" dir="auto" href={linkTo(['experiments', item.id])} title={item.name?.slice(0, 500)}>
        {nameOf(item).slice(0, 300)}
      </a>
    ),
  },
  { id: 'dataset', title: 'Dataset', cell: item => item.dataset },
  { id: 'architecture', title: 'Network', cell: item => item.architecture },
  { id: 'iterations', title: 'Iterations', numeric: true, cell: item => whole(item.iterations) },
  {
    id: 'trainLoss',
    title: 'Train loss',
    numeric: true,
    cell: ({ summary }) => number(summary?.splits.train?.loss.final),
  },
  {
    id: 'validationLoss',
    title: 'Val. loss',
    numeric: true,
    cell: ({ summary }) => number(summary?.splits.validation?.loss.final),
  },
  {
    id: 'accuracy',
    title: 'Val. accuracy',
    numeric: true,
    cell: ({ summary }) => percent(summary?.splits.validation?.accuracy.final),
  },
  {
    id: 'lca',
    title: 'LCA',
    numeric: true,
    cell: ({ summary }) => (
      <span title={summary?.unbalanced ? 'The books do not balance' : undefined}>
        {signed(summary?.splits.train?.lca)}
        {summary?.unbalanced ? ' ⚠' : ''}
      </span>
    ),
  },
  {
    id: 'help',
    title: 'Helped',
    numeric: true,
    cell: ({ summary }) => percent(summary?.splits.train?.helpFractionOfMoved),
  },
  { id: 'tags', title: 'Tags', cell: ({ tags }) => <Tags tags={tags} /> },
  { id: 'createdAt', title: 'Posted', cell: ({ createdAt }) => time(createdAt) },
]

function StatusCell({ item: { status, progress } }: { item: Item }) {
  const share = progress.total > 0 && !isFinished(status) && status !== 'queued'
  return (
    <>
      <Status status={status} />
      {share && <span class="muted"> {Math.floor((100 * progress.done) / progress.total)} %</span>}
    </>
  )
}

/** The rows that a query has, as far as they have been asked for. */
function useRows(query: Record<string, string | string[] | undefined>) {
  const asked = JSON.stringify(query)
  const [state, set] = useState<{ asked: string; items: Item[]; cursor?: string | null; error?: Error }>({
    asked,
    items: [],
  })
  const busy = useRef<AbortController>(undefined)
  const [turn, setTurn] = useState(0)
  const fetchPage = async (cursor: string | undefined, before: Item[]) => {
    busy.current?.abort()
    const abort = new AbortController()
    busy.current = abort
    try {
      const page = await ledger.http.json<{ items: Item[]; nextCursor: string | null }>('/v1/experiments', {
        query: { ...query, limit: pageSize, cursor },
        signal: abort.signal,
      })
      if (!abort.signal.aborted) set({ asked, items: [...before, ...page.items], cursor: page.nextCursor })
    } catch (error) {
      if (!abort.signal.aborted) set({ asked, items: before, cursor: null, error: noteError(error) })
    } finally {
      if (busy.current === abort) busy.current = undefined
    }
  }
  // Fetched anew for another query, or when it is asked for.
  useEffect(() => {
    void fetchPage(undefined, [])
    return () => busy.current?.abort()
  }, [asked, turn])
  const current = state.asked === asked
  return {
    items: current ? state.items : [],
    loading: !current || state.cursor === undefined,
    complete: current && state.cursor === null,
    error: current ? state.error : undefined,
    more() {
      if (current && state.cursor && !busy.current) void fetchPage(state.cursor, state.items)
    },
    reload: () => setTurn(turn => turn + 1),
    update(id: string, change: Partial<Item>) {
      set(state => ({
        ...state,
        items: state.items.map(item => (item.id === id ? { ...item, ...change } : item)),
      }))
    },
  }
}

export function ExperimentsPage({ query }: { query: URLSearchParams }) {
  const status = query.getAll('status')
  const tag = query.getAll('tag')
  const rows = useRows({ status, tag, sweep: query.get('sweep') ?? undefined })
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set())
  const picked = rows.items.filter(({ id }) => selected.has(id))
  useFollowed(rows)
  const forEach = (act: (item: Item) => Promise<unknown>, which: (item: Item) => boolean) => async () => {
    for (const item of picked.filter(which)) await act(item)
    setSelected(new Set())
    rows.reload()
  }
  return (
    <div class="stack">
      <div class="row">
        <div class="grow">
          <Title>Experiments</Title>
        </div>
        <button type="button" onClick={rows.reload}>
          Reload
        </button>
      </div>
      <div class="row" role="group" aria-label="Only these">
        {statuses.map(one => (
          <button
            key={one}
            type="button"
            aria-pressed={status.includes(one)}
            onClick={() =>
              changeQuery({
                status: status.includes(one) ? status.filter(other => other !== one) : [...status, one],
              })
            }
          >
            {one}
          </button>
        ))}
        {tag.map(one => (
          <button
            key={one}
            type="button"
            aria-pressed="true"
            onClick={() => changeQuery({ tag: tag.filter(other => other !== one) })}
          >
            <span dir="auto">{one.slice(0, 80)}</span> ×
          </button>
        ))}
      </div>
      <div class="row">
        <span class="muted" role="status">
          {rows.loading && rows.items.length === 0
            ? 'Loading …'
            : `${whole(rows.items.length)}${rows.complete ? '' : ' and more'} ${picked.length > 0 ? `, ${whole(picked.length)} selected` : ''}`}
        </span>
        {picked.length > 0 && (
          <>
            <ActionButton
              ask={`Cancel those of the ${whole(picked.length)} selected that still run or wait?`}
              disabled={picked.every(item => isFinished(item.status))}
              act={forEach(
                ({ id }) => ledger.cancel(id),
                item => !isFinished(item.status),
              )}
            >
              Cancel
            </ActionButton>
            <ActionButton
              disabled={!picked.some(item => item.status === 'failed' || item.status === 'cancelled')}
              act={forEach(
                ({ id }) => ledger.retry(id),
                item => item.status === 'failed' || item.status === 'cancelled',
              )}
            >
              Retry
            </ActionButton>
            <ActionButton
              danger
              ask={`Delete ${whole(picked.length)} experiments, with their ledgers and tensors? There is no way back.`}
              act={forEach(
                ({ id }) => ledger.delete(id),
                () => true,
              )}
            >
              Delete
            </ActionButton>
          </>
        )}
      </div>
      <Failed error={rows.error} />
      <Table rows={rows} selected={selected} select={setSelected} />
    </div>
  )
}

/** As many event streams as leave a browser connections for all else. */
const mostFollowed = 3

/** Follows what runs, the first few of it. */
function useFollowed(rows: ReturnType<typeof useRows>) {
  const running = rows.items.filter(({ status }) => status === 'training' || status === 'allocating')
  const waiting = rows.items.filter(({ status }) => status === 'queued')
  const ids = [...running, ...waiting.slice(-1)].slice(0, mostFollowed).map(({ id }) => id)
  const latest = useRef(rows)
  latest.current = rows
  useEffect(() => {
    const abort = new AbortController()
    const follow = async (id: string) => {
      for await (const event of ledger.events(id, { signal: abort.signal })) {
        if (event.event === 'progress') latest.current.update(id, { progress: event.data })
        if (event.event !== 'status') continue
        const { status, progress, summary } = event.data
        latest.current.update(id, { status, progress, summary })
        if (isFinished(status)) return
      }
    }
    for (const id of ids) follow(id).catch(() => {})
    return () => abort.abort()
  }, [ids.join()])
}

function Table(props: {
  rows: ReturnType<typeof useRows>
  selected: ReadonlySet<string>
  select(ids: ReadonlySet<string>): void
}) {
  const { rows, selected, select } = props
  const { items } = rows
  const frame = useRef<HTMLDivElement>(null)
  const [view, setView] = useState({ top: 0, height: 800 })
  const first = Math.max(0, Math.floor(view.top / rowHeight) - margin)
  const last = Math.min(items.length, Math.ceil((view.top + view.height) / rowHeight) + margin)
  const shown = useMemo(() => items.slice(first, last), [items, first, last])
  const look = () => {
    const { scrollTop, clientHeight } = frame.current!
    // Only as often as other rows come into view.
    if (
      Math.floor(scrollTop / rowHeight) !== Math.floor(view.top / rowHeight) ||
      clientHeight !== view.height
    )
      setView({ top: scrollTop, height: clientHeight })
  }
  // When there are others.
  useEffect(() => {
    look()
    if (last >= items.length - 50) rows.more()
  }, [last, items.length])
  const toggle = (id: string) => {
    const next = new Set(selected)
    if (!next.delete(id)) next.add(id)
    select(next)
  }
  if (items.length === 0 && rows.complete)
    return (
      <p class="notice">
        There are none. New experiments are posted with curl, Python, the command line, or here.
      </p>
    )
  return (
    <div
      class="scroll virtual"
      ref={frame}
      onScroll={look}
      tabIndex={0}
      role="region"
      aria-label="Experiments"
    >
      <table aria-rowcount={rows.complete ? items.length + 1 : -1}>
        <thead>
          <tr>
            <th scope="col">
              <input
                type="checkbox"
                aria-label="Select all that are loaded"
                checked={items.length > 0 && items.every(({ id }) => selected.has(id))}
                onChange={event =>
                  select(new Set(event.currentTarget.checked ? items.map(({ id }) => id) : []))
                }
              />
            </th>
            {columns.map(({ id, title, numeric }) => (
              <th key={id} scope="col" class={numeric ? 'number' : ''}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {first > 0 && (
            <tr class="space" aria-hidden="true">
              <td colSpan={columns.length + 1} style={{ height: `${first * rowHeight}px` }} />
            </tr>
          )}
          {shown.map((item, i) => (
            <tr key={item.id} aria-rowindex={first + i + 2} aria-selected={selected.has(item.id)}>
              <td>
                <input
                  type="checkbox"
                  aria-label={`Select ${nameOf(item).slice(0, 100)}`}
                  checked={selected.has(item.id)}
                  onChange={() => toggle(item.id)}
                />
              </td>
              {columns.map(({ id, numeric, cell }) => (
                <td key={id} class={numeric ? 'number' : ''}>
                  {cell(item)}
                </td>
              ))}
            </tr>
          ))}
          {last < items.length && (
            <tr class="space" aria-hidden="true">
              <td colSpan={columns.length + 1} style={{ height: `${(items.length - last) * rowHeight}px` }} />
            </tr>
          )}
        </tbody>
      </table>
    </div>
  )
}
