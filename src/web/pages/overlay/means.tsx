/** Means over the runs of every group, with the band that their 95 % interval makes. */
import { useMemo } from 'preact/hooks'
import type { SpecDifference } from '../../../spec/differences.ts'
import { colours, useTheme } from '../../figures/colours.ts'
import { bandAlpha } from '../../figures/legend.tsx'
import { type Paint, Plot, type Series } from '../../figures/plot.tsx'
import { gutterOf } from '../../figures/room.ts'
import { counted, isolated, number, percent, shorten, whole } from '../../format.ts'
import {
  type Axis,
  axisOf,
  bucketMeans,
  countsOver,
  endsOf,
  groupsOf,
  type Means as MeansOverRuns,
  meansOver,
} from '../../grouped.ts'
import { type Curve, type Measure, mostPoints } from '../../overlaid.ts'
import { csvText, saveBlob } from '../../parts/save.ts'
import { measures } from './measures.ts'
import { Runs } from './runs.tsx'

/** `name` is the label as it is, `label` as it stands in a sentence. */
type Grouped = { name: string; label: string; curves: Curve[]; means: MeansOverRuns }

export function Means(props: {
  curves: Curve[]
  split: string
  measure: Measure
  group: string
  logarithmic: boolean
  differences: SpecDifference[]
}) {
  const { curves, split, measure, group, logarithmic, differences } = props
  const theme = useTheme()
  const { axis, x, groups } = useMemo(() => {
    const axis = axisOf(curves)
    const x = Array.from({ length: axis.count }, (_, i) => middleOf(axis, i))
    const groups = groupsOf(group, curves, differences).map(({ label, curves }): Grouped => {
      const runs = curves.map(curve => bucketMeans(curve, axis))
      return { name: label, label: isolated(shorten(label, 60)), curves, means: meansOver(runs, axis.count) }
    })
    return { axis, x, groups }
  }, [curves, group, differences])
  const shown = useMemo(() => {
    const palette = colours(groups.length, theme)
    // A logarithm has no place for what is not above zero.
    const isShown = (value: number | null): value is number => value !== null && !(logarithmic && value <= 0)
    const series = groups.map(
      ({ label, means }, g): Series => ({
        ...{ label, colour: palette[g], width: 2, gaps: true },
        values: means.mean.map(value => (isShown(value) ? value : null)),
      }),
    )
    const middles = series.flatMap(({ values }) => values.filter(isShown))
    const ends = groups.flatMap(({ means }) => [...means.lower, ...means.upper].filter(isShown))
    let low = Math.min(...middles, ...ends)
    // Two runs alone may leave nearly no lower end: a decade below the means says as much.
    if (logarithmic) low = Math.max(low, Math.min(...middles) / 10)
    const yRange: [number, number] | undefined =
      middles.length === 0 ? undefined : [low, Math.max(...middles, ...ends)]
    const paint: Paint = (context, { x: across, y: up, box }) => {
      context.globalAlpha = bandAlpha
      for (const [g, { means }] of groups.entries()) {
        context.fillStyle = palette[g]
        const height = (value: number) =>
          logarithmic && value < low ? box.top + box.height : Math.min(box.top + box.height, up(value))
        for (const [from, to] of stretches(means)) {
          const at = Array.from({ length: to - from }, (_, i) => from + i)
          // One bucket alone has no width.
          const points = (value: (number | null)[], order: number[]) =>
            order.flatMap(i =>
              to - from > 1
                ? [[across(x[i]), height(value[i]!)]]
                : [
                    [across(x[i]) - 1.5, height(value[i]!)],
                    [across(x[i]) + 1.5, height(value[i]!)],
                  ],
            )
          const around = [...points(means.upper, at), ...points(means.lower, at).reverse()]
          context.beginPath()
          context.moveTo(around[0][0], around[0][1])
          for (const [px, py] of around.slice(1)) context.lineTo(px, py)
          context.closePath()
          context.fill()
        }
      }
      context.globalAlpha = 1
    }
    const legend = groups.map(({ label, curves, means }, g) => ({
      label: `${label}, n = ${curves.length}`,
      colour: palette[g],
      band: means.lower.some(value => value !== null),
    }))
    return { palette, series, yRange, paint, legend }
  }, [groups, x, logarithmic, theme])
  const [words] = measures[measure]
  const show = (value: number) => (measure === 'loss' ? number(value) : percent(value))
  const told = ({ label, curves, means: { n, mean, lower, upper } }: Grouped, i: number, where: string) => {
    const interval =
      lower[i] === null || upper[i] === null ? '' : ` (95 % interval ${show(lower[i])} to ${show(upper[i])})`
    const of = n[i] < curves.length ? ` of ${curves.length} runs` : ''
    return `${label}${where}: ${mean[i] === null ? 'no mean' : show(mean[i])}${interval}, n = ${n[i]}${of}`
  }
  const read = (at: [number, number] | null) => {
    if (at === null) return 'Point at a mean to read it.'
    const i = Math.max(0, Math.min(axis.count - 1, Math.floor((at[0] + 0.5) / axis.length)))
    const height = (value: number) => (logarithmic ? Math.log(value) : value)
    const near = groups
      .filter(({ means }) => means.mean[i] !== null)
      .map(one => ({ one, off: Math.abs(height(one.means.mean[i]!) - height(at[1])) }))
    if (near.length === 0) return `${spanIn(axis, i)}: no run has a value.`
    const { one } = near.reduce((best, other) => (other.off < best.off ? other : best))
    return told(one, i, `, ${spanIn(axis, i)}`)
  }
  const csv = async () =>
    saveBlob(
      new Blob([meansCsv(groups, axis)], { type: 'text/csv' }),
      `${measure}-${split}-means-by-${group.replaceAll(/[^\w.-]+/g, '-').slice(0, 60)}.csv`,
    )
  const thinned = curves.filter(curve => curve.thinned).length
  const unbalanced = curves.filter(({ item }) => item.summary?.unbalanced).length
  return (
    <>
      <Plot
        {...{ x, logarithmic, read, csv }}
        {...{ series: shown.series, yRange: shown.yRange, paint: shown.paint, legend: shown.legend }}
        title={`${split} ${words}, means over runs`}
        says={saysOf(groups, axis, `${split} ${words}`, told)}
        span={[0, Math.max(1, axis.end - 1)]}
        height={420}
        gutter={gutterOf([])}
      />
      {thinned > 0 && (
        <p class="notice">
          {`Of ${counted(thinned, 'long run')} not every iteration is read but at most ${whole(mostPoints)}, those with the lowest and the highest loss of every short stretch: their means may be off by a part of how much neighbouring iterations differ. Fewer runs at once are read whole.`}
        </p>
      )}
      {unbalanced > 0 && measure !== 'loss' && (
        <p class="notice bad">
          {`The books of ${whole(unbalanced)} of these runs do not balance: what of them is in a mean is not to be believed.`}
        </p>
      )}
      <Runs
        items={groups.flatMap(({ curves }) => curves.map(({ item }) => item))}
        colourOf={n => shown.palette[groupAt(groups, n)]}
      />
    </>
  )
}

/** The group of the nth run, counted through all groups. */
function groupAt(groups: Grouped[], n: number): number {
  let before = 0
  return groups.findIndex(({ curves }) => {
    before += curves.length
    return n < before
  })
}

const middleOf = (axis: Axis, i: number) => {
  const [first, last] = endsOf(axis, i)
  return (first + last) / 2
}

const spanIn = (axis: Axis, i: number): string => {
  const [first, last] = endsOf(axis, i)
  return first === last ? `iteration ${whole(first)}` : `iterations ${whole(first)} to ${whole(last)}`
}

/** The stretches of buckets that have a band. */
function stretches({ lower, upper }: MeansOverRuns): [from: number, to: number][] {
  const found: [number, number][] = []
  for (let i = 0; i < lower.length; i++) {
    if (lower[i] === null || upper[i] === null) continue
    const last = found[found.length - 1]
    if (last?.[1] === i) last[1]++
    else found.push([i, i + 1])
  }
  return found
}

/** Groups that are told one by one. */
const mostTold = 8

function saysOf(
  groups: Grouped[],
  axis: Axis,
  what: string,
  told: (one: Grouped, i: number, where: string) => string,
): string {
  const ends = groups.slice(0, mostTold).map(one => {
    const i = one.means.n.findLastIndex(n => n > 0)
    if (i < 0) return `${one.label} has no value anywhere`
    return told(one, i, i === axis.count - 1 ? '' : ` (${spanIn(axis, i)})`)
  })
  const runs = groups.reduce((sum, { curves }) => sum + curves.length, 0)
  const some = groups.some(({ curves }) => curves.length > 1)
  const changing = groups.filter(({ curves, means }) => means.n.some(n => n < curves.length))
  const fewer = changing.length
  const counts = changing
    .slice(0, mostTold)
    .map(({ label, means }) => `${label}: ${countsOver(means.n, axis)}`)
  return [
    `The mean ${what} of ${counted(runs, 'run')} in ${counted(groups.length, 'group')}, in the end: ${ends.join('; ')}${groups.length > mostTold ? '; …' : ''}.`,
    some
      ? 'A band is the 95 % interval of the mean over the runs of a group (Student’s t), place by place; where there is one run there is none.'
      : 'Every group has one run, so that no mean has an interval.',
    ...(axis.length > 1
      ? [`Every run counts with its own mean over ${whole(axis.length)} iterations at a time.`]
      : []),
    ...(fewer > 0
      ? [
          `In ${whole(fewer)} of the groups some runs are shorter, diverged or are not there yet: n is smaller there, and the mean is of those that are left. n is, place by place: ${counts.join('; ')}${fewer > mostTold ? '; …' : ''}.`,
        ]
      : []),
  ].join(' ')
}

/** A row for every bucket of a group in which a run has a value; `iterations` of it begin at `iteration`. */
function meansCsv(groups: Grouped[], axis: Axis): string {
  const lines = ['group,iteration,iterations,n,mean,lower,upper']
  for (const { name, means } of groups)
    for (let i = 0; i < axis.count; i++) {
      if (means.n[i] === 0) continue
      const [first, last] = endsOf(axis, i)
      const figures = [means.mean[i], means.lower[i], means.upper[i]].map(value => value ?? '')
      lines.push([csvText(name), first, last - first + 1, means.n[i], ...figures].join())
    }
  return `${lines.join('\n')}\n`
}
