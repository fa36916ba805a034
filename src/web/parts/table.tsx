/** A table in a region of its own, which scrolls, and which a keyboard reaches. */
import type { ComponentChildren } from 'preact'

/** The head of a column; one in brackets is above numbers. */
export type Heading = string | readonly [string]

/**
 * `label` names the region; `maxHeight` (CSS) is how high it grows; `caption` is read to who cannot see it. Without `headings`
 * the children have what head there is.
 */
export const Table = (props: {
  label: string
  maxHeight?: string
  caption?: string
  headings?: readonly Heading[]
  children: ComponentChildren
}) => (
  <div
    class="scroll"
    tabIndex={0}
    role="region"
    aria-label={props.label}
    style={props.maxHeight === undefined ? undefined : { maxHeight: props.maxHeight }}
  >
    <table>
      {props.caption !== undefined && <caption class="hidden">{props.caption}</caption>}
      {props.headings && (
        <thead>
          <tr>
            {props.headings.map((heading, column) => (
              // Columns of several splits are called alike.
              <th key={column} scope="col" class={typeof heading === 'string' ? undefined : 'number'}>
                {typeof heading === 'string' ? heading : heading[0]}
              </th>
            ))}
          </tr>
        </thead>
      )}
      {props.children}
    </table>
  </div>
)
