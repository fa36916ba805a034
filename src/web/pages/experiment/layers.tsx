/** Layers over the whole run: train beside validation; from a layer to its variables and its units. */
import { scaleLinear } from 'd3-scale'
import type { Experiment, LayerRow } from '../../../../clients/typescript/src/index.ts'
import { linkTo } from '../../address.ts'
import { colours, useTheme } from '../../figures/colours.ts'
import { number, percent, shorten, signed, whole } from '../../format.ts'
import { ledger, save, useLoad } from '../../ledger.ts'
import { Failed } from '../../parts/small.tsx'

type Row = LayerRow & { variable?: string }
type Tables = { split: string; total: Omit<LayerRow, 'layer'>; items: Row[] }[]

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
    [ends, layer],
    `${id} ${layer}`,
  )
  if (!value) return error ? <Failed error={error} /> : <p class="muted">Loading …</p>
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
      <LayersTable id={id} tables={value} layer={layer} />
      <p class="muted">
        Negative LCA helped, positive hurt. Bars: what helped (left) and hurt (right), pale, and their
        balance, solid; one scale for all. Help fraction: of the allocations that are not zero, those that
        helped.
      </p>
      {layer !== null && <Units experiment={experiment} layer={layer} ends={ends} />}
    </div>
  )
}

function Freeze({ experiment: { spec }, layer }: { experiment: Experiment; layer: string }) {
  const rules = Object.entries(spec.layers ?? {}).filter(([name]) => name === layer)
  return rules.length === 0 ? null : <code>{JSON.stringify(rules[0][1])}</code>
}

function LayersTable({ id, tables, layer }: { id: string; tables: Tables; layer: string | null }) {
  const theme = useTheme()
  const [first] = tables
  const palette = colours(first.items.length, theme)
  const extent = [
    Math.min(0, ...tables.flatMap(({ items }) => items.map(row => row.helping ?? 0))),
    Math.max(0, ...tables.flatMap(({ items }) => items.map(row => row.hurting ?? 0))),
  ]
  const csv = () =>
    save(
      `/v1/experiments/${id}/layers?format=csv&split=${first.split}${layer === null ? '' : '&by=variable'}`,
      `layers-${id}.csv`,
    )
  return (
    <div class="stack">
      <div class="scroll" tabIndex={0} role="region" aria-label="LCA by layer">
        <table>
          <thead>
            <tr>
              <th scope="col">{layer === null ? 'Layer' : 'Variable'}</th>
              <th scope="col" class="number">
                Parameters
              </th>
              {tables.map(({ split }) => [
                <th key={`${split} bar`} scope="col">
                  {split}
                </th>,
                <th key={`${split} lca`} scope="col" class="number">
                  LCA
                </th>,
                <th key={`${split} share`} scope="col" class="number">
                  Share
                </th>,
                <th key={`${split} help`} scope="col" class="number">
                  Helped, of moved
                </th>,
              ])}
            </tr>
          </thead>
          <tbody>
            {first.items.map((row, n) => (
              <tr key={row.variable ?? row.layer}>
                <th scope="row" style={{ position: 'static' }}>
                  <span class="row" style={{ flexWrap: 'nowrap' }}>
                    <svg width="11" height="11" aria-hidden="true">
                      <rect width="11" height="11" rx="2" fill={palette[n]} />
                    </svg>
                    {layer === null ? (
                      <a href={linkTo(['experiments', id], { tab: 'layers', layer: row.layer })}>
                        {row.layer}
                      </a>
                    ) : (
                      row.variable
                    )}
                  </span>
                </th>
                <td class="number">{whole(row.parameters)}</td>
                {tables.map(({ split, items }) => (
                  <Cells key={split} row={items[n]} extent={extent as [number, number]} />
                ))}
              </tr>
            ))}
          </tbody>
          {layer === null && (
            <tfoot>
              <tr>
                <td>All</td>
                <td class="number">{whole(first.total.parameters)}</td>
                {tables.map(({ split, total }) => [
                  <td key={`${split} bar`} />,
                  <td key={`${split} lca`} class="number">
                    {signed(total.lca)}
                  </td>,
                  <td key={`${split} share`} />,
                  <td key={`${split} help`} class="number">
                    {percent(total.helpFractionOfMoved)}
                  </td>,
                ])}
              </tr>
            </tfoot>
          )}
        </table>
      </div>
      <div>
        <button type="button" onClick={csv}>
          CSV of {first.split}
        </button>
      </div>
    </div>
  )
}

function Cells({ row, extent }: { row: Row | undefined; extent: [number, number] }) {
  if (!row) return <td colSpan={4} />
  const x = scaleLinear(extent, [0, 200])
  const bar = (from: number, to: number) => ({
    x: Math.min(x(from), x(to)),
    width: Math.abs(x(to) - x(from)),
  })
  const lca = row.lca ?? 0
  return (
    <>
      <td>
        <svg class="bars" viewBox="0 0 200 22" preserveAspectRatio="none" aria-hidden="true">
          <rect {...bar(0, row.helping ?? 0)} y="4" height="14" fill="var(--helps)" opacity="0.3" />
          <rect {...bar(0, row.hurting ?? 0)} y="4" height="14" fill="var(--hurts)" opacity="0.3" />
          <rect {...bar(0, lca)} y="8" height="6" fill={lca < 0 ? 'var(--helps)' : 'var(--hurts)'} />
          <line x1={x(0)} x2={x(0)} y1="0" y2="22" stroke="var(--muted)" vector-effect="non-scaling-stroke" />
        </svg>
      </td>
      <td class={`number ${lca < 0 ? 'helps' : 'hurts'}`}>
        {signed(row.lca)}
        {typeof row.standardError === 'number' && (
          <span class="muted"> ± {number(row.standardError, 2)}</span>
        )}
      </td>
      <td class="number">{percent(row.share)}</td>
      <td class="number">
        {row.helpFractionOfMoved === null ? 'did not move' : percent(row.helpFractionOfMoved)}
      </td>
    </>
  )
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
    [ends],
    `${id} ${layer}`,
  )
  if (!value) return <Failed error={error} />
  const [first] = value
  if (first.length === 0) return <p class="muted">No units of this layer are recorded.</p>
  const lca = value.map(({ columns }) => columns.lca)
  const order = Array.from(first.columns.unit.keys()).sort((a, b) => lca[0][a] - lca[0][b])
  const low = Math.min(0, ...lca.flatMap(values => Array.from(values)))
  const high = Math.max(0, ...lca.flatMap(values => Array.from(values)))
  const width = 900
  const height = 220
  const x = scaleLinear([0, order.length], [56, width - 8])
  const y = scaleLinear([low, high], [height - 22, 10]).nice(5)
  const helped = order.filter(at => lca[0][at] < 0).length
  const [best, worst] = [order[0], order[order.length - 1]]
  const says = `${whole(order.length)} units, from the one that helped most on ${first.split} (unit ${first.columns.unit[best]}, ${signed(lca[0][best], 3)}) to the one that helped least (unit ${first.columns.unit[worst]}, ${signed(lca[0][worst], 3)}); ${whole(helped)} of them helped.`
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
