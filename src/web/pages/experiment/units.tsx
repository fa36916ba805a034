/** The units of a layer over the iterations, out of the tensors neurons/{split}.npy: a map of all, and one of them. */
import { useMemo } from 'preact/hooks'
import type { Experiment } from '../../../../clients/typescript/src/index.ts'
import { changeQuery } from '../../address.ts'
import { HeatFigure } from '../../figures/ledger.tsx'
import { Key } from '../../figures/lines.tsx'
import { Plot, type Series } from '../../figures/plot.tsx'
import { cumulative, indexAt, type Ledger } from '../../figures/series.ts'
import { number, shorten, signed, whole } from '../../format.ts'
import { ledger } from '../../ledger.ts'
import { splitOf } from '../../look.ts'
import { useLoad } from '../../parts/load.ts'
import { saveBlob } from '../../parts/save.ts'
import { Failed } from '../../parts/small.tsx'
import { SplitButtons } from '../../parts/split-buttons.tsx'
import { useSpan } from './ledger.tsx'

/** Bytes of a tensor that are fetched at once, and spans of iterations that are drawn. */
const mostBytes = 32e6
const columns = 400

type Units = Ledger & { split: string }

export function UnitsOverTime(props: { experiment: Experiment; layer: string; query: URLSearchParams }) {
  const { experiment, layer, query } = props
  const { id, iterations, spec } = experiment
  const { splits } = spec.allocation
  const split = splitOf(query, splits)
  const { span, zoom } = useSpan(query, iterations)
  const [from, to] = span
  const order = useLoad(() => ledger.neurons(id, { split: splits[0] }), [], id)
  const rows = order.value?.columns
  const all = order.value?.length ?? 0
  const most = Math.max(1, Math.floor(mostBytes / (4 * Math.max(1, all))))
  const own = useMemo(
    () =>
      rows === undefined || all === 0
        ? []
        : Array.from({ length: all }, (_, i) => i).filter(i => rows.layer[i] === layer),
    [rows, all, layer],
  )
  const wanted = own.length > 0 && to - from <= most
  const { value, error } = useLoad(
    () =>
      wanted
        ? Promise.all(splits.map(async split => ({ ...(await read(id, split, own, span)), split })))
        : Promise.resolve(undefined),
    [from, to, wanted],
    `${id} ${layer}`,
  )
  if (order.value && own.length === 0) return null
  if (order.value && !wanted)
    return (
      <div class="notice">
        What its units did in each iteration is {whole(all)} numbers an iteration: at most {whole(most)}{' '}
        iterations are shown at once.{' '}
        <button type="button" onClick={() => zoom([from, Math.min(to, from + most)])}>
          Show {whole(from)} to {whole(Math.min(to, from + most))}
        </button>
      </div>
    )
  if (!value) return <Failed error={error ?? order.error} />
  const shown = value.find(one => one.split === split) ?? value[0]
  const unit = Number(query.get('unit') ?? Number.NaN)
  const gutter = 84
  return (
    <div class="stack">
      <div class="row" role="group" aria-label="Units over iterations">
        {splits.length > 1 && <SplitButtons splits={splits} split={split} />}
        {(from > 0 || to < iterations) && (
          <button type="button" onClick={() => zoom()}>
            All iterations
          </button>
        )}
        <label class="row">
          Unit
          <input
            type="number"
            min={0}
            max={own.length - 1}
            style={{ width: '90px' }}
            value={Number.isNaN(unit) ? '' : unit}
            onChange={event =>
              changeQuery({ unit: event.currentTarget.value || undefined }, { replace: true })
            }
          />
        </label>
      </div>
      <HeatFigure
        {...{ split: shown.split, span, gutter }}
        ledger={shown}
        what="unit"
        onZoom={zoom}
        onPick={name => changeQuery({ unit: name.replace('unit ', '') }, { replace: true })}
        csv={() => saveCsv([shown], [...own.keys()], `units-${shown.split}.csv`)}
      />
      {Number.isInteger(unit) && unit >= 0 && unit < own.length && (
        <Unit {...{ unit, layer, value, span, gutter }} onZoom={zoom} />
      )}
    </div>
  )
}

/** Sums over spans of iterations, of the columns of a tensor that are of the layer. */
async function read(id: string, split: string, own: number[], [from, to]: [number, number]): Promise<Ledger> {
  const { shape, data } = await ledger.tensor(id, `neurons/${split}.npy`, { from, to })
  const [length, width] = shape
  const bucket = Math.max(1, Math.ceil(length / columns))
  const spans = Math.ceil(length / bucket)
  const starts = Array.from({ length: spans }, (_, i) => from + i * bucket)
  const lca = own.map(column => {
    const sums = new Float64Array(spans)
    for (let row = 0; row < length; row++)
      sums[Math.floor(row / bucket)] += Number(data[row * width + column])
    return sums
  })
  return {
    names: own.map((_, unit) => `unit ${unit}`),
    starts,
    ends: starts.map(start => Math.min(to, start + bucket)),
    lca,
  }
}

/** `units`: which of the rows. */
async function saveCsv(tables: Units[], units: number[], name: string): Promise<void> {
  const lines = tables.flatMap(({ split, starts, ends, lca }) =>
    units.flatMap(unit =>
      starts.map((start, i) => `${split},${unit},${start},${ends[i] - start},${lca[unit][i]}\n`),
    ),
  )
  saveBlob(new Blob(['split,unit,iteration,iterations,lca\n', ...lines], { type: 'text/csv' }), name)
}

/** What one unit did, summed up from the left: train beside validation. */
function Unit(props: {
  unit: number
  layer: string
  value: Units[]
  span: [number, number]
  gutter: number
  onZoom: (span?: [number, number]) => void
}) {
  const { unit, layer, value, span, gutter, onZoom } = props
  const [first] = value
  const x = useMemo(() => [first.starts[0], ...first.ends], [first])
  const series = useMemo(
    () =>
      value.map(
        (one): Series => ({
          label: one.split,
          values: Array.from(cumulative({ lca: [one.lca[unit]] })[0]),
          colour: one.split === 'validation' ? '--validation' : '--train',
        }),
      ),
    [value, unit],
  )
  const end = ({ values }: Series) => values[values.length - 1]
  const says = `From iteration ${whole(x[0])} to ${whole(x[x.length - 1])} unit ${unit} of ${layer} changed the loss by ${series
    .map(one => `${signed(end(one), 3)} on ${one.label}`)
    .join(' and ')}.`
  const read = (at: [number, number] | null) => {
    const i = at === null ? x.length - 1 : Math.max(0, indexAt(x, at[0]))
    return `until ${whole(x[i])}: ${series.map(({ label, values }) => `${label} ${number(values[i], 4)}`).join(' · ')}`
  }
  return (
    <Plot
      {...{ says, x, span, series, gutter, read, onZoom }}
      title={`Cumulative LCA of unit ${unit} of ${shorten(layer, 40)}`}
      csv={() => saveCsv(value, [unit], `unit-${unit}.csv`)}
    >
      <Key series={series} />
    </Plot>
  )
}
