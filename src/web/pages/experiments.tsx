/** All experiments as one table: what is asked for is in the address, rows are fetched as they come into view. */
import type { ComponentChildren } from 'preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { ApiError, type ExperimentListItem, isFinished } from '../../../clients/typescript/src/index.ts'
import { changeQuery, linkTo } from '../address.ts'
import { between, bytes, duration, number, percent, signed, time, whole } from '../format.ts'
import { ledger, noteError } from '../ledger.ts'
import { ActionButton, nameOf, Status, Tags, Title } from '../parts/small.tsx'

const statuses = ['queued', 'training', 'allocating', 'succeeded', 'failed', 'cancelled'] as const
/** Pixels of a row, as style.css has it. */
const rowHeight = 34
/** Rows above and below those in view that are there already. */
const margin = 12
const pageSize = 200

type Item = ExperimentListItem
/** `field` is what the API calls it, to sort by it. */
type Column = {
  id: string
  title: string
  field?: string
  numeric?: boolean
  cell(item: Item): ComponentChildren
}

const columns: Column[] = [
  { id: 'status', title: 'Status', field: 'status', cell: item => <StatusCell item={item} /> },
  {
    id: 'name',
    title: 'Name',
    field: 'name',
    cell: item => (
      <a class="name" dir="auto" href={linkTo(['experiments', item.id])} title={item.name?.slice(0, 500)}>
        {nameOf(item).slice(0, 300)}
      </a>
    ),
  },
  { id: 'dataset', title: 'Dataset', field: 'dataset', cell: item => item.dataset },
  { id: 'architecture', title: 'Network', field: 'architecture', cell: item => item.architecture },
  {
    id: 'iterations',
    title: 'Iterations',
    field: 'iterations',
    numeric: true,
    cell: item => whole(item.iterations),
  },
  {
    id: 'trainLoss',
    title: 'Train loss',
    field: 'trainLoss',
    numeric: true,
    cell: ({ summary }) => number(summary?.splits.train?.loss.final),
  },
  {
    id: 'validationLoss',
    title: 'Val. loss',
    field: 'validationLoss',
    numeric: true,
    cell: ({ summary }) => number(summary?.splits.validation?.loss.final),
  },
  {
    id: 'accuracy',
    title: 'Val. accuracy',
    field: 'validationAccuracy',
    numeric: true,
    cell: ({ summary }) => percent(summary?.splits.validation?.accuracy.final),
  },
  {
    id: 'lca',
    title: 'LCA',
    field: 'lca',
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
    field: 'summary.splits.train.helpFractionOfMoved',
    numeric: true,
    cell: ({ summary }) => percent(summary?.splits.train?.helpFractionOfMoved),
  },
  {
    id: 'tags',
    title: 'Tags',
    cell: ({ tags }) => (
      <span class="name tags">
        <Tags tags={tags} />
      </span>
    ),
  },
  { id: 'createdAt', title: 'Posted', field: 'createdAt', cell: ({ createdAt }) => time(createdAt) },
  {
    id: 'took',
    title: 'Took',
    numeric: true,
    cell: ({ startedAt, finishedAt }) => duration(between(startedAt, finishedAt)),
  },
  {
    id: 'size',
    title: 'Size',
    numeric: true,
    cell: ({ bytes: { objects, ledger } }) => bytes(objects + ledger),
  },
  { id: 'worker', title: 'Worker', field: 'worker', cell: ({ worker }) => worker ?? '–' },
]
const usual = [
  'status',
  'name',
  'dataset',
  'architecture',
  'iterations',
  'trainLoss',
  'validationLoss',
  'accuracy',
  'lca',
  'tags',
  'createdAt',
]
const offered = [
  'optimizer',
  'spec.optimizer.learningRate',
  'spec.training.batchSize',
  'spec.training.seed',
  'spec.allocation.method',
  'parameters',
]

/** A column of any field that the API has. */
const columnOf = (field: string): Column => ({
  id: field,
  title: field.replace(/^(spec|summary)\./, ''),
  field,
  cell: ({ values }) => {
    const value = values?.[field]
    if (typeof value === 'number') return number(value)
    return (
      <span class="name" dir="auto">
        {value === null || value === undefined
          ? '–'
          : typeof value === 'string'
            ? value.slice(0, 300)
            : JSON.stringify(value).slice(0, 300)}
      </span>
    )
  },
})

/** Plain words are looked for everywhere; what has an operator in it is an expression. */
export const whereOf = (words: string): string | undefined => {
  const text = words.trim()
  if (text === '') return undefined
  return /[=<>~]/.test(text) ? text : `any ~ ${JSON.stringify(text)}`
}

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
  const group = query.get('group') ?? ''
  const shown = query.getAll('column').length > 0 ? query.getAll('column') : usual
  const visible = shown.map(id => columns.find(column => column.id === id) ?? columnOf(id))
  const extra = visible.filter(({ id }) => !columns.some(column => column.id === id)).map(({ id }) => id)
  const sort = group || (query.get('sort') ?? undefined)
  const rows = useRows({
    ...{ status, tag, sort, sweep: query.get('sweep') ?? undefined, where: whereOf(query.get('q') ?? '') },
    field: [...new Set([...extra, ...(group ? [group] : [])])],
  })
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set())
  const picked = rows.items.filter(({ id }) => selected.has(id))
  useFollowed(rows)
  const forEach = (act: (item: Item) => Promise<unknown>, which: (item: Item) => boolean) => async () => {
    for (const item of picked.filter(which)) await act(item)
    setSelected(new Set())
    rows.reload()
  }
  const again = (item: Item) => item.status === 'failed' || item.status === 'cancelled'
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
        <ColumnsButton shown={shown} />
        <GroupBy group={group} items={rows.items} />
      </div>
      <div class="row" style={{ minHeight: '34px' }}>
        <span class="muted" role="status">
          {rows.loading && rows.items.length === 0
            ? 'Loading …'
            : `${whole(rows.items.length)}${rows.complete ? '' : ' and more'}${picked.length > 0 ? `, ${whole(picked.length)} selected` : ''}`}
        </span>
        {picked.length > 0 && (
          <>
            {picked.length >= 2 && picked.length <= 10 ? (
              <a class="button" href={linkTo(['compare'], { id: picked.map(({ id }) => id) })}>
                Compare
              </a>
            ) : (
              <button type="button" disabled title="Of 2 to 10">
                Compare
              </button>
            )}
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
            <ActionButton disabled={!picked.some(again)} act={forEach(({ id }) => ledger.retry(id), again)}>
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
      <Table
        rows={rows}
        columns={visible}
        sort={sort}
        group={group}
        selected={selected}
        select={setSelected}
      />
    </div>
  )
}

function Search({ query, error }: { query: URLSearchParams; error: Error | undefined }) {
  const asked = query.get('q') ?? ''
  const [words, setWords] = useState(asked)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => setWords(asked), [asked])
  useEffect(() => () => clearTimeout(timer.current), [])
  const isExpression =
    error instanceof ApiError && error.problem.errors?.some(({ path }) => path === 'query.where')
  return (
    <div class="stack" style={{ gap: '4px' }}>
      <input
        type="search"
        aria-label="Search experiments"
        placeholder="Words, or an expression: status = succeeded and spec.optimizer.learningRate <= 0.1"
        spellcheck={false}
        autocomplete="off"
        value={words}
        aria-invalid={isExpression ? 'true' : undefined}
        aria-describedby="search-help"
        onInput={event => {
          const { value } = event.currentTarget
          setWords(value)
          clearTimeout(timer.current)
          timer.current = setTimeout(() => changeQuery({ q: value.trim() }, { replace: true }), 300)
        }}
      />
      <div id="search-help">
        {error && (
          <p class="error" role="alert">
            {isExpression ? error.problem.errors?.map(({ message }) => message).join('; ') : error.message}
          </p>
        )}
      </div>
    </div>
  )
}

function ColumnsButton({ shown }: { shown: string[] }) {
  const dialog = useRef<HTMLDialogElement>(null)
  const [field, setField] = useState('')
  const set = (ids: string[]) =>
    changeQuery({ column: ids.join() === usual.join() ? undefined : ids }, { replace: true })
  const others = [...new Set([...offered, ...shown.filter(id => !columns.some(column => column.id === id))])]
  const box = (id: string, title: string) => (
    <label key={id} class="row" style={{ gap: '6px' }}>
      <input
        type="checkbox"
        checked={shown.includes(id)}
        onChange={() => set(shown.includes(id) ? shown.filter(other => other !== id) : [...shown, id])}
      />
      {title}
    </label>
  )
  return (
    <>
      <button type="button" onClick={() => dialog.current?.showModal()}>
        Columns
      </button>
      <dialog ref={dialog} aria-label="Columns">
        <div class="stack">
          <h2>Columns</h2>
          <div class="fields">{columns.map(({ id, title }) => box(id, title))}</div>
          <h3>Any field of the spec, the summary or the tags</h3>
          <div class="fields">{others.map(id => box(id, id))}</div>
          <form
            class="row"
            onSubmit={event => {
              event.preventDefault()
              if (field.trim() !== '' && !shown.includes(field.trim())) set([...shown, field.trim()])
              setField('')
            }}
          >
            <input
              aria-label="Another field"
              placeholder="tags.study"
              value={field}
              onInput={event => setField(event.currentTarget.value)}
            />
            <button type="submit">Add</button>
          </form>
          <div class="row">
            <button type="button" class="primary" onClick={() => dialog.current?.close()}>
              Done
            </button>
            <button type="button" onClick={() => set(usual)}>
              As usual
            </button>
          </div>
        </div>
      </dialog>
    </>
  )
}

/** Groups are those of one sorted list: by sweep, or by a tag that some of what is shown have. */
function GroupBy({ group, items }: { group: string; items: Item[] }) {
  const keys = [...new Set(items.slice(0, 400).flatMap(({ tags }) => Object.keys(tags)))].slice(0, 30)
  const quoted = (key: string) => (/^[\p{L}\p{N}_-]+$/u.test(key) ? key : JSON.stringify(key))
  const choices = ['sweep', 'dataset', 'architecture', 'optimizer', ...keys.map(key => `tags.${quoted(key)}`)]
  return (
    <select
      aria-label="Group by"
      value={group}
      style={{ maxWidth: '200px' }}
      onChange={event => changeQuery({ group: event.currentTarget.value, sort: undefined })}
    >
      <option value="">no groups</option>
      {[...new Set([...choices, ...(group ? [group] : [])])].map(choice => (
        <option key={choice} value={choice}>
          by {choice.slice(0, 60)}
        </option>
      ))}
    </select>
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

function Table(props: {
  rows: ReturnType<typeof useRows>
  columns: Column[]
  sort: string | undefined
  group: string
  selected: ReadonlySet<string>
  select(ids: ReadonlySet<string>): void
}) {
  const { rows, columns, sort, group, selected, select } = props
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
    return rows.complete && !rows.error ? <p class="notice">There are none that this is true of.</p> : null
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
