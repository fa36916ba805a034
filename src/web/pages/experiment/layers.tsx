/** Layers over the whole run: train beside validation; from a layer to its variables and its units. */
import type { Experiment, LayerRow } from '../../../../clients/typescript/src/index.ts'
import { linkTo } from '../../address.ts'
import { LayersTable, type Row } from '../../figures/layers-table.tsx'
import { linear, rounded } from '../../figures/scales.ts'
import { SvgButton } from '../../figures/svg-button.tsx'
import { counted, number, shorten, signed, whole } from '../../format.ts'
import { ledger, save } from '../../ledger.ts'
import { useLoad } from '../../parts/load.ts'
import { Failed, NothingAllocated } from '../../parts/small.tsx'
import { UnitsOverTime } from './units.tsx'

export function LayersTab(props: { experiment: Experiment; query: URLSearchParams; version: number }) {
  const { experiment, query, version } = props
  const { id, spec, status } = experiment
  const layer = query.get('layer')
  const ends = status === 'succeeded' ? 'ended' : version
  const { value, error } = useLoad(
    async signal =>
      Promise.all(
        spec.allocation.splits.map(async split => {
          const by = layer === null ? 'layer' : 'variable'
          const table = await ledger.http.json<{ total: Omit<LayerRow, 'layer'>; items: Row[] }>(
            `/v1/experiments/${id}/layers`,
            { query: { split, by }, signal },
          )
          return {
            split,
            total: table.total,
            items: layer === null ? table.items : table.items.filter(row => row.layer === layer),
          }
        }),
      ),
    [layer],
    `${id} ${layer}`,
    ends,
  )
  if (!value) return error ? <Failed error={error} /> : <p class="muted">Loading …</p>
  if (layer === null && value.every(({ items }) => items.length === 0))
    return <NothingAllocated status={status} />
  return (
    <div class="stack">
      {layer !== null && (
        <div class="row">
          <a href={linkTo(['experiments', id], { tab: 'layers' })}>All layers</a>
          <h2 dir="auto">{layer}</h2>
          <Freeze experiment={experiment} layer={layer} />
        </div>
      )}
      <Failed error={error} />
      <LayersTable
        tables={value}
        what={layer === null ? 'Layer' : 'Variable'}
        hrefOf={
          layer === null ? name => linkTo(['experiments', id], { tab: 'layers', layer: name }) : undefined
        }
      />
      <div>
        <button
          type="button"
          onClick={() =>
            save(
              `/v1/experiments/${id}/layers?format=csv&split=${value[0].split}${layer === null ? '' : '&by=variable'}`,
              `layers-${id}.csv`,
            )
          }
        >
          CSV of {value[0].split}
        </button>
      </div>
      {layer !== null && <Units experiment={experiment} layer={layer} ends={ends} />}
      {layer !== null && status === 'succeeded' && (
        <UnitsOverTime experiment={experiment} layer={layer} query={query} />
      )}
    </div>
  )
}

function Freeze({ experiment: { spec }, layer }: { experiment: Experiment; layer: string }) {
  const rules = Object.entries(spec.layers ?? {}).filter(([name]) => name === layer)
  return rules.length === 0 ? null : <code>{JSON.stringify(rules[0][1])}</code>
}

/** What the output units or channels of a layer did over the run. */
function Units({
  experiment: { id, spec },
  layer,
  ends,
}: {
  experiment: Experiment
  layer: string
  ends: unknown
}) {
  const { value, error } = useLoad(
    () => Promise.all(spec.allocation.splits.map(split => ledger.neurons(id, { split, layer: [layer] }))),
    [],
    `${id} ${layer}`,
    ends,
  )
  if (!value) return <Failed error={error} />
  const [first] = value
  if (first.length === 0) return <p class="muted">No units of this layer are recorded.</p>
  const lca = value.map(({ columns }) => columns.lca)
  const order = Array.from(first.columns.unit.keys()).sort((a, b) => lca[0][a] - lca[0][b])
  const low = Math.min(0, ...lca.flatMap(values => Array.from(values)))
  const high = Math.max(0, ...lca.flatMap(values => Array.from(values)))
  // In a narrow window a narrow one: what is drawn small cannot be read.
  const width = innerWidth < 640 ? 440 : 900
  const height = 220
  const x = linear([0, order.length], [56, width - 8])
  const y = linear(rounded([low, high], 5), [height - 22, 10])
  const helped = order.filter(at => lca[0][at] < 0).length
  const [best, worst] = [order[0], order[order.length - 1]]
  const says = `${counted(order.length, 'unit')}, from the one that helped most on ${first.split} (unit ${first.columns.unit[best]}, ${signed(lca[0][best], 3)}) to the one that helped least (unit ${first.columns.unit[worst]}, ${signed(lca[0][worst], 3)}); ${whole(helped)} of them helped.`
  return (
    <figure class="card">
      <div class="head">
        <h2>Units of {shorten(layer, 40)}</h2>
        <div class="tools">
          <button
            type="button"
            class="plain"
            onClick={() =>
              save(
                `/v1/experiments/${id}/neurons?format=csv&split=${first.split}&layer=${encodeURIComponent(layer)}`,
                `units-${id}.csv`,
              )
            }
          >
            CSV<span class="hidden"> of the units</span>
          </button>
          <SvgButton title={`units of ${layer}`} />
        </div>
      </div>
      <svg
        viewBox={`0 0 ${width} ${height}`}
        role="img"
        aria-label={says}
        width="100%"
        style={{ maxWidth: `${width}px` }}
      >
        {y.ticks(5).map(tick => (
          <g key={tick}>
            <line x1="56" x2={width - 8} y1={y(tick)} y2={y(tick)} stroke="var(--grid)" />
            <text class="muted" x="50" y={y(tick) + 4} text-anchor="end">
              {number(tick, 2)}
            </text>
          </g>
        ))}
        {order.map((at, place) => (
          <rect
            key={at}
            x={x(place) + 0.1}
            width={Math.max(0.4, x(1) - x(0) - (order.length > 150 ? 0 : 1))}
            y={Math.min(y(0), y(lca[0][at]))}
            height={Math.abs(y(lca[0][at]) - y(0))}
            fill={lca[0][at] < 0 ? 'var(--helps)' : 'var(--hurts)'}
            opacity="0.85"
          >
            <title>{`unit ${first.columns.unit[at]}: ${value.map(({ split }, s) => `${split} ${signed(lca[s][at], 3)}`).join(', ')}`}</title>
          </rect>
        ))}
        {lca.length > 1 &&
          order.map((at, place) => (
            <circle
              key={at}
              cx={x(place + 0.5)}
              cy={y(lca[1][at])}
              r={order.length > 150 ? 1 : 2.2}
              fill="var(--ink)"
            />
          ))}
        <line x1="56" x2={width - 8} y1={y(0)} y2={y(0)} stroke="var(--muted)" />
        <text class="muted" x={width / 2} y={height - 4} text-anchor="middle">
          units, by what they did on {first.split} (bars){lca.length > 1 && `; dots: ${value[1].split}`}
        </text>
      </svg>
      <figcaption>{says}</figcaption>
    </figure>
  )
}
