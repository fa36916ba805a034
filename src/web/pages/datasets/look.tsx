/** A look into a dataset: examples of each class, and how many there are of each. */
import { useEffect, useRef } from 'preact/hooks'
import type { DatasetSamples } from '../../../../clients/typescript/src/index.ts'
import { changeQuery } from '../../address.ts'
import { counted as countOf, percent, shorten, whole } from '../../format.ts'
import { ledger } from '../../ledger.ts'
import { useLoad } from '../../parts/load.ts'
import { Failed } from '../../parts/small.tsx'
import { SplitButtons } from '../../parts/split-buttons.tsx'
import { Table } from '../../parts/table.tsx'

export function Look(props: { name: string; names: string[] | null; query: URLSearchParams }) {
  const { name, names, query } = props
  const split = query.get('split') === 'test' ? 'test' : 'train'
  const { value, error } = useLoad(
    () => ledger.datasetSamples(name, { split, n: 40 }),
    [split],
    `${name} ${split}`,
  )
  return (
    <section class="card stack" aria-label={`A look into ${name}`}>
      <div class="row">
        <h2>{name}</h2>
        <SplitButtons splits={['train', 'test']} split={split} />
        <button type="button" onClick={() => changeQuery({ look: undefined, split: undefined })}>
          Close
        </button>
      </div>
      <Failed error={error} />
      {!value && !error && <p class="muted">Loading …</p>}
      {value && <Samples value={value} names={names} />}
      {value?.counts && <Counts {...value} counts={value.counts} names={names} />}
    </section>
  )
}

function Samples(props: { value: DatasetSamples; names: string[] | null }) {
  const { samples, shape, split, classes } = props.value
  // Targets that are numbers have no names.
  const nameOf = (label: number) => (classes === null ? undefined : props.names?.[label]) ?? short(label)

  if (samples.length === 0) return <p class="muted">There are no examples to {split} on.</p>
  return (
    <ul class="samples">
      {samples.map(({ index, labels, pixels, values }) => (
        <li key={index}>
          {pixels === null ? (
            <code>{(values ?? []).slice(0, 24).map(short).join(' ')}</code>
          ) : (
            <Picture
              pixels={pixels}
              shape={shape}
              says={`example ${index}, ${classes === null ? 'target' : 'class'} ${labels.map(nameOf).join(', ')}`}
            />
          )}
          <span class="muted" dir="auto">
            {shorten(labels.slice(-6).map(nameOf).join(' '), 24)}
          </span>
        </li>
      ))}
    </ul>
  )
}

const short = (value: number) => (Number.isInteger(value) ? String(value) : value.toFixed(2))

/** An image of one, three or any number of channels: of others than three the first is shown. */
function Picture({ pixels, shape, says }: { pixels: string; shape: number[]; says: string }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const [height, width, channels] = shape
  useEffect(() => {
    const bytes = atob(pixels)
    const image = new ImageData(width, height)
    for (let i = 0; i < width * height; i++) {
      for (let c = 0; c < 3; c++)
        image.data[4 * i + c] = bytes.charCodeAt(i * channels + (channels === 3 ? c : 0))
      image.data[4 * i + 3] = 255
    }
    canvas.current!.getContext('2d')!.putImageData(image, 0, 0)
  }, [pixels, width, height, channels])
  return <canvas ref={canvas} width={width} height={height} role="img" aria-label={says} />
}

/** A bar for each class. */
function Counts(props: { counts: number[]; counted: number; of: number | null; names: string[] | null }) {
  const { counts, counted, of, names } = props
  const most = Math.max(1, ...counts)
  const shown = counts.slice(0, 100)
  return (
    <div class="stack">
      <h3>
        {of === null ? `Of ${countOf(counted, 'drawn example')}` : countOf(counted, 'example')}, by class
      </h3>
      <Table label="Examples by class" maxHeight="340px">
        <tbody>
          {shown.map((count, label) => (
            // The place is the class.
            <tr key={`class ${label}`}>
              <th scope="row" style={{ position: 'static' }}>
                <bdi>{names?.[label]?.slice(0, 60) ?? label}</bdi>
              </th>
              <td style={{ width: '100%' }}>
                <svg class="bars" viewBox="0 0 200 22" preserveAspectRatio="none" aria-hidden="true">
                  <rect x="0" y="5" height="12" width={(200 * count) / most} fill="var(--accent)" />
                </svg>
              </td>
              <td class="number">{whole(count)}</td>
              <td class="number muted">{percent(counted === 0 ? 0 : count / counted)}</td>
            </tr>
          ))}
        </tbody>
      </Table>
      {counts.length > shown.length && (
        <p class="muted">and {countOf(counts.length - shown.length, 'class', 'classes')} more</p>
      )}
    </div>
  )
}
