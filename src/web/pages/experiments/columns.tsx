/** What the table of experiments can show: a line a column. */
import type { ComponentChildren } from 'preact'
import { type ExperimentListItem, isFinished } from '../../../../clients/typescript/src/index.ts'
import { linkTo } from '../../address.ts'
import { between, bytes, duration, number, percent, shorten, signed, time, whole } from '../../format.ts'
import { nameOf, Status, Tags } from '../../parts/small.tsx'

export type Item = ExperimentListItem
type Cell = (item: Item) => ComponentChildren
/** `field` is what the API calls it, to sort by it. */
export type Column = { id: string; title: string; field?: string; numeric?: boolean; cell: Cell }

const text = (id: string, title: string, cell: Cell, field: string | undefined = id): Column => ({
  ...{ id, title, cell },
  ...(field !== undefined && { field }),
})
const figure = (id: string, title: string, cell: Cell, field: string | undefined = id): Column => ({
  ...text(id, title, cell, field),
  numeric: true,
})
/** What cannot be sorted by. */
const unsorted = ({ field: _, ...column }: Column): Column => column

export const columns: Column[] = [
  text('status', 'Status', item => <StatusCell item={item} />),
  text('name', 'Name', item => <NameCell item={item} />),
  text('dataset', 'Dataset', ({ dataset }) => dataset),
  text('architecture', 'Network', ({ architecture }) => architecture),
  figure('iterations', 'Iterations', ({ iterations }) => whole(iterations)),
  figure('trainLoss', 'Train loss', ({ summary }) => number(summary?.splits.train?.loss.final)),
  figure('validationLoss', 'Val. loss', ({ summary }) => number(summary?.splits.validation?.loss.final)),
  figure(
    'accuracy',
    'Val. accuracy',
    ({ summary }) => percent(summary?.splits.validation?.accuracy.final),
    'validationAccuracy',
  ),
  figure('lca', 'LCA', item => <LcaCell item={item} />),
  figure(
    'help',
    'Helped',
    ({ summary }) => percent(summary?.splits.train?.helpFractionOfMoved),
    'summary.splits.train.helpFractionOfMoved',
  ),
  unsorted(text('tags', 'Tags', item => <TagsCell item={item} />)),
  text('createdAt', 'Posted', ({ createdAt }) => time(createdAt)),
  unsorted(figure('took', 'Took', ({ startedAt, finishedAt }) => duration(between(startedAt, finishedAt)))),
  unsorted(figure('size', 'Size', ({ bytes: { objects, ledger } }) => bytes(objects + ledger))),
  text('worker', 'Worker', ({ worker }) => worker ?? '–'),
]
/** What is shown where the address does not say it. In a narrow window there is room for one of them: the name. */
export const usual = (): string[] => [
  ...(innerWidth < 640 ? ['name', 'status'] : ['status', 'name']),
  ...['dataset', 'architecture', 'iterations', 'trainLoss', 'validationLoss', 'accuracy'],
  ...['lca', 'tags', 'createdAt'],
]
/** Fields that are offered as columns besides. */
export const offered = [
  ...['optimizer', 'notes', 'spec.optimizer.learningRate', 'spec.training.batchSize', 'spec.training.seed'],
  ...['spec.allocation.method', 'parameters'],
]

export const isColumn = (id: string): boolean => columns.some(column => column.id === id)
export const columnNamed = (id: string): Column => columns.find(column => column.id === id) ?? columnOf(id)

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

function StatusCell({ item: { status, progress } }: { item: Item }) {
  const share = progress.total > 0 && !isFinished(status) && status !== 'queued'
  return (
    <>
      <Status status={status} />
      {share && <span class="muted"> {Math.floor((100 * progress.done) / progress.total)} %</span>}
    </>
  )
}

const NameCell = ({ item }: { item: Item }) => (
  <a class="name" dir="auto" href={linkTo(['experiments', item.id])} title={item.name?.slice(0, 500)}>
    {/* What tells variants of a sweep apart is at the end. */}
    {shorten(nameOf(item), innerWidth < 640 ? 30 : 46)}
  </a>
)

const LcaCell = ({ item: { summary } }: { item: Item }) => (
  <span title={summary?.unbalanced ? 'The books do not balance' : undefined}>
    {signed(summary?.splits.train?.lca)}
    {summary?.unbalanced ? ' ⚠' : ''}
  </span>
)

const TagsCell = ({ item: { tags } }: { item: Item }) => (
  <span class="name tags">
    <Tags tags={tags} />
  </span>
)
