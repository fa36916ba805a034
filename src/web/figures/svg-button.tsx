/** Saves the figure around it, which is SVG in the page already. */
import { savePageSvg } from './svg.ts'

export const SvgButton = ({ title }: { title: string }) => (
  <button
    type="button"
    class="plain"
    onClick={event => {
      const shown = event.currentTarget.closest('figure')?.querySelector<SVGSVGElement>('svg[role=img]')
      if (shown) savePageSvg(shown, title)
    }}
  >
    SVG<span class="hidden"> of {title}</span>
  </button>
)
