/** Layers or variables over the whole run, as a table with bars. */
import type { LayerRow } from '../../../clients/typescript/src/index.ts'
import { number, percent, shareOf, signed, toneOf, whole } from '../format.ts'
import { Table } from '../parts/table.tsx'
import { colours, useTheme } from './colours.ts'
import { linear } from './scales.ts'

export type Row = LayerRow & { variable?: string }
export type Tables = { split: string; total: Omit<LayerRow, 'layer'>; items: Row[] }[]

/** A row for each layer or variable, splits beside each other; `hrefOf`: where a layer leads. */
export function LayersTable(props: {
  tables: Tables
  what: 'Layer' | 'Variable'
  hrefOf?: ((layer: string) => string) | undefined
}) {
  const { tables, what, hrefOf } = props
  const theme = useTheme()
  const [first] = tables
  const palette = colours(first.items.length, theme)
  const extent = [
    Math.min(0, ...tables.flatMap(({ items }) => items.map(row => row.helping ?? 0))),
    Math.max(0, ...tables.flatMap(({ items }) => items.map(row => row.hurting ?? 0))),
  ]
  return (
    <div class="stack">
      <Table
        label="LCA by layer"
        headings={[
          what,
          ['Parameters'],
          ...tables.flatMap(({ split }) => [split, ['LCA'], ['Share'], ['Helped, of moved']] as const),
        ]}
      >
        <tbody>
          {first.items.map((row, n) => (
            <tr key={row.variable ?? row.layer}>
              <th scope="row" style={{ position: 'static' }}>
                <span class="row" style={{ flexWrap: 'nowrap' }}>
                  <svg width="11" height="11" aria-hidden="true">
                    <rect width="11" height="11" rx="2" fill={palette[n]} />
                  </svg>
                  {hrefOf ? <a href={hrefOf(row.layer)}>{row.layer}</a> : (row.variable ?? row.layer)}
                </span>
              </th>
              <td class="number">{whole(row.parameters)}</td>
              {tables.map(({ split, items }) => (
                <Cells key={split} row={items[n]} extent={extent as [number, number]} />
              ))}
            </tr>
          ))}
        </tbody>
        {what === 'Layer' && (
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
      </Table>
      <p class="muted">
        Negative LCA helped, positive hurt. Bars: what helped (left) and hurt (right), pale, and their
        balance, solid; one scale for all. Share: of the LCA of all layers together; below zero where a layer
        worked against their sum, and so many times (×) the sum where others take back more than is left. Help
        fraction: of the allocations that are not zero, those that helped.
      </p>
    </div>
  )
}

function Cells({ row, extent }: { row: Row | undefined; extent: [number, number] }) {
  if (!row) return <td colSpan={4} />
  const x = linear(extent, [0, 200])
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
      <td class={`number ${toneOf(lca) ?? ''}`}>
        {signed(row.lca)}
        {typeof row.standardError === 'number' && (
          <span class="muted"> ± {number(row.standardError, 2)}</span>
        )}
      </td>
      <td class="number">{shareOf(row.share)}</td>
      <td class="number">
        {row.helpFractionOfMoved === null ? 'did not move' : percent(row.helpFractionOfMoved)}
      </td>
    </>
  )
}
