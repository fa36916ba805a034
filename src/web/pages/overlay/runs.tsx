import type { ExperimentListItem } from '../../../../clients/typescript/src/index.ts'
import { linkTo } from '../../address.ts'
import { nameOf } from '../../parts/small.tsx'

/** The experiments that a figure is of, each with its colour. */
export const Runs = (props: { items: ExperimentListItem[]; colourOf(n: number): string }) => (
  <ul class="plainlist">
    {props.items.map((item, n) => (
      <li key={item.id} class="row">
        <svg width="11" height="11" aria-hidden="true">
          <rect width="11" height="11" rx="2" fill={props.colourOf(n)} />
        </svg>
        <a class="name" dir="auto" href={linkTo(['experiments', item.id])}>
          {nameOf(item).slice(0, 200)}
        </a>
      </li>
    ))}
  </ul>
)
