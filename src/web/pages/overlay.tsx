/** The curves of up to fifty experiments in one figure: of a selection, or of a sweep. */
import { useMemo, useRef } from 'preact/hooks'
import type { ExperimentListItem } from '../../../clients/typescript/src/index.ts'
import { changeQuery, linkTo } from '../address.ts'
import { taken } from '../begun.ts'
import { readDifferences } from '../differing.ts'
import { colours, useTheme } from '../figures/colours.ts'
import { Plot, type Series } from '../figures/plot.tsx'
import { gutterOf } from '../figures/room.ts'
import { counted, isolated, number, percent, shorten, whole } from '../format.ts'
import { groupings } from '../grouped.ts'
import { type Curve, isGrouping, type Measure, mostOverlaid, overlayOf, readOverlaid } from '../overlaid.ts'
import { useLoad } from '../parts/load.ts'
import { csvText, saveBlob } from '../parts/save.ts'
import { Failed, nameOf, Title } from '../parts/small.tsx'
import { SplitButtons } from '../parts/split-buttons.tsx'
import { Means } from './overlay/means.tsx'
import { endsInWords, measures } from './overlay/measures.ts'
import { Runs } from './overlay/runs.tsx'

export function OverlayPage({ query }: { query: URLSearchParams }) {
  const overlay = overlayOf(query)
  const { split, measure } = overlay
  const by = query.get('by') ?? ''
  const logarithmic = query.get('scale') === 'log' && measure === 'loss'
  const subject = JSON.stringify(overlay)
  const { value, error } = useLoad(
    signal => taken(subject, () => readOverlaid(overlay, signal)),
    [subject],
    subject,
  )
  // What can be chosen stays while other rows are read: who chooses by keyboard stays where they are.
  const latest = useRef<Curve[]>([])
  if (value) latest.current = value.curves
  const curves = latest.current
  const names = curves.map(({ item }) => item.id)
  const differing = useLoad(signal => readDifferences(names, signal), [names.join()], names.join())
  const differences = differing.value ?? none
  const asked = query.get('group')
  const group = isGrouping(asked) ? asked : undefined
  const choose = (changes: Record<string, string | undefined>) => changeQuery(changes, { replace: true })
  return (
    <div class="stack">
      <Title>Overlay</Title>
      <Failed error={error ?? differing.error} />
      <div class="row" role="group" aria-label="What is shown">
        <SplitButtons splits={['train', 'validation']} split={split} />
        <select
          aria-label="Measure"
          value={measure}
          onChange={event => choose({ measure: event.currentTarget.value })}
        >
          {Object.entries(measures).map(([name, [words]]) => (
            <option key={name} value={name}>
              {words}
            </option>
          ))}
        </select>
        {curves.length > 1 && (
          <select
            aria-label="Group by"
            value={group ?? ''}
            style={{ maxWidth: '220px' }}
            onChange={event => choose({ group: event.currentTarget.value || undefined })}
          >
            <option value="">every run by itself</option>
            {[...new Set([...(group ? [group] : []), ...groupings(curves, differences)])].map(choice => (
              <option key={choice} value={choice}>
                means by {shorten(choice.replace(/^spec\./, ''), 60)}
              </option>
            ))}
          </select>
        )}
        {!group && curves.length > 0 && <ColourBy by={by} curves={curves} choose={by => choose({ by })} />}
        {measure === 'loss' && (
          <button
            type="button"
            aria-pressed={logarithmic}
            onClick={() => choose({ scale: logarithmic ? undefined : 'log' })}
          >
            Logarithmic
          </button>
        )}
      </div>
      {!value && !error && <p class="muted">Loading …</p>}
      {value && value.curves.length === 0 && (
        <p class="notice">
          Nothing is allocated yet of these experiments on {split}. Select some in the{' '}
          <a href={linkTo(['experiments'])}>table of experiments</a>, and overlay their curves.
        </p>
      )}
      {value && value.curves.length > 0 && group?.startsWith('spec.') && differing.loading && (
        <p class="muted">Reading what the specs differ in …</p>
      )}
      {value && value.curves.length > 0 && group && !(group.startsWith('spec.') && !differing.value) && (
        <Means {...{ split, measure, group, logarithmic, differences }} curves={value.curves} />
      )}
      {value && value.curves.length > 0 && !group && (
        <Curves {...{ split, measure, by, logarithmic }} curves={value.curves} />
      )}
      {value?.more && <p class="muted">The newest {mostOverlaid} of the sweep.</p>}
      {value && value.without.length > 0 && value.curves.length > 0 && (
        <p class="muted">
          {counted(value.without.length, 'experiment')} {value.without.length === 1 ? 'has' : 'have'} nothing
          on {split} (yet):{' '}
          {value.without.slice(0, 5).map(item => (
            <a key={item.id} href={linkTo(['experiments', item.id])}>
              <bdi>{shorten(nameOf(item), 60)}</bdi>{' '}
            </a>
          ))}
        </p>
      )}
    </div>
  )
}

/** As one object, so that what is made of it is not made again. */
const none: never[] = []

const groupOf = (by: string, item: ExperimentListItem): string => {
  if (by === '') return item.id
  if (by.startsWith('tags.')) return item.tags[by.slice(5)] ?? 'without'
  return String(item[by as 'variant' | 'architecture' | 'dataset'] ?? 'without')
}

function ColourBy(props: { by: string; curves: Curve[]; choose(by: string | undefined): void }) {
  const { by, curves, choose } = props
  const keys = [...new Set(curves.flatMap(({ item }) => Object.keys(item.tags)))].slice(0, 20)
  const choices = ['variant', 'architecture', 'dataset', ...keys.map(key => `tags.${key}`)]
  return (
    <select
      aria-label="Colour by"
      value={by}
      style={{ maxWidth: '220px' }}
      onChange={event => choose(event.currentTarget.value || undefined)}
    >
      <option value="">a colour each</option>
      {choices
        // What all of them have in common tells none from another.
        .filter(choice => choice === by || new Set(curves.map(({ item }) => groupOf(choice, item))).size > 1)
        .map(choice => (
          <option key={choice} value={choice}>
            colour by {choice.slice(0, 60)}
          </option>
        ))}
    </select>
  )
}

function Curves(props: {
  curves: Curve[]
  split: string
  measure: Measure
  by: string
  logarithmic: boolean
}) {
  const { curves, split, measure, by, logarithmic } = props
  const theme = useTheme()
  const groups = useMemo(() => [...new Set(curves.map(({ item }) => groupOf(by, item)))], [curves, by])
  const { x, series } = useMemo(() => {
    const palette = colours(groups.length, theme)
    const all = new Set<number>()
    for (const { iteration } of curves) for (let i = 0; i < iteration.length; i++) all.add(iteration[i])
    const x = Float64Array.from(all).sort()
    const placeOf = new Map(Array.from(x, (at, i) => [at, i]))
    const series = curves.map(({ item, iteration, values }): Series => {
      const placed: (number | null)[] = new Array(x.length).fill(null)
      for (let i = 0; i < iteration.length; i++)
        placed[placeOf.get(iteration[i])!] = Number.isFinite(values[i]) ? values[i] : null
      return {
        ...{ label: item.id, values: placed, width: curves.length > 12 ? 1.1 : 1.6 },
        colour: palette[groups.indexOf(groupOf(by, item))],
      }
    })
    return { x: Array.from(x), series }
  }, [curves, groups, theme])
  const [words, short] = measures[measure]
  const show = (value: number) => (measure === 'loss' ? number(value) : percent(value))
  const ends = curves
    .map(({ item, values }) => ({ name: nameOf(item), end: values[values.length - 1] }))
    .filter(({ end }) => Number.isFinite(end))
    .sort((a, b) => a.end - b.end)
  const named = ({ name, end }: (typeof ends)[number]) => `${isolated(shorten(name, 60))} at ${show(end)}`
  const says =
    ends.length === 0
      ? `${counted(curves.length, 'experiment')}, none with a ${short} on ${split}.`
      : `The ${split} ${words} of ${counted(curves.length, 'experiment')} ${endsInWords(ends.map(named))}.`
  const read = (at: [number, number] | null) => {
    if (at === null) return 'Point at a curve to read it.'
    let best: { curve: Curve; i: number; off: number } | undefined
    const height = (value: number) => (logarithmic ? Math.log(value) : value)
    for (const curve of curves) {
      const { iteration, values } = curve
      let low = 0
      let high = iteration.length - 1
      while (low < high) {
        const middle = (low + high + 1) >> 1
        if (iteration[middle] <= at[0]) low = middle
        else high = middle - 1
      }
      const off = Math.abs(height(values[low]) - height(at[1]))
      if (best === undefined || off < best.off) best = { curve, i: low, off }
    }
    if (best === undefined) return ''
    const { curve, i } = best
    return `${isolated(shorten(nameOf(curve.item), 60))}, iteration ${whole(curve.iteration[i])}: ${show(curve.values[i])}`
  }
  const csv = async () =>
    saveBlob(
      new Blob(
        [
          'experiment,name,iteration,value\n',
          ...curves.flatMap(({ item, iteration, values }) =>
            Array.from(
              iteration,
              (at, i) =>
                `${item.id},${csvText(item.name ?? '')},${at},${Number.isFinite(values[i]) ? values[i] : ''}\n`,
            ),
          ),
        ],
        { type: 'text/csv' },
      ),
      `${measure}-${split}.csv`,
    )
  return (
    <>
      <Plot
        {...{ says, x, series, logarithmic, read, csv }}
        title={`${split} ${words}`}
        span={[x[0], x[x.length - 1]]}
        height={420}
        gutter={gutterOf([])}
      >
        <div class="key">
          {by !== '' &&
            groups.length <= 14 &&
            groups.map((group, n) => (
              <span key={group} dir="auto">
                <svg viewBox="0 0 14 11" aria-hidden="true">
                  <rect width="14" height="11" rx="2" fill={colours(groups.length, theme)[n]} />
                </svg>
                {shorten(group, 40)}
              </span>
            ))}
        </div>
      </Plot>
      <Runs items={curves.map(({ item }) => item)} colourOf={n => series[n].colour} />
    </>
  )
}
