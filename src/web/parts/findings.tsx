/** What can be said of an experiment: statements with their intervals, each with a link to where it can be seen. */
import type { Finding } from '../../figures/explained.ts'
import { number } from '../format.ts'

export type Show = { href: string; onClick?: () => void }

/** All of them, what matters most first. */
export function Findings({
  items,
  recorded,
  show,
}: {
  items: Finding[]
  recorded: boolean
  show(finding: Finding): Show
}) {
  if (!recorded)
    return (
      <p class="muted">
        Findings are made when an experiment succeeds; those that earlier versions finished have none
        recorded.
      </p>
    )
  if (items.length === 0)
    return <p class="muted">Nothing can be said of this experiment that its interval would carry.</p>
  return (
    <ol class="findings">
      {items.map((finding, i) => (
        // A finding has no other name.
        <li key={i}>
          <p>
            <strong>{capital(finding.statement)}.</strong> <a {...show(finding)}>Look at it</a>
          </p>
          <p>{finding.advice}</p>
          <p class="muted">
            {finding.rule}, from {finding.table}
            {finding.atStake !== null && `; at stake ${number(finding.atStake, 3)} of loss`}
            {finding.figures.map(
              ({ name, estimate, low, high, level }) =>
                estimate !== null &&
                `; ${name} ${number(estimate, 3)} [${number(low, 3)}, ${number(high, 3)}] at ${100 * level} %`,
            )}
          </p>
        </li>
      ))}
    </ol>
  )
}

const capital = (text: string) => text.slice(0, 1).toUpperCase() + text.slice(1)
