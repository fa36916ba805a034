/**
 * The axis on which experiments are compared: the iterations of the nearest experiment that all of them go back to
 * (`training.initial`), or are. One that started from iteration n of it has its own first iteration at n.
 */

/** An experiment, or one that it goes back to; `initial`: what it started from. */
export type Link = { id: string; initial: { experiment: string; iteration: number } | null }

/** From an experiment to what it started from, and so on; the last may have been deleted: then it has no `initial`. */
export type Lineage = { id: string; iterations: number; links: Link[] }

/** Where the weights at iterations [from, to] of the axis are: in an experiment whose own first lies at `offset`. */
export type Piece = { id: string; from: number; to: number; offset: number }

export type Axis = {
  /** By experiment, in the order given. */
  offsets: number[]
  fork: { experiment: string; iteration: number } | null
}

/** Every id on the way back, the experiment's own first; that of one that has been deleted last. */
const idsOf = ({ links }: Lineage): string[] => {
  const last = links[links.length - 1]
  return [...links.map(({ id }) => id), ...(last.initial ? [last.initial.experiment] : [])]
}

/** Iterations between the first of an ancestor and the experiment's own first; `depth`: how many links the ancestor is away. */
const offsetAt = ({ links }: Lineage, depth: number): number =>
  links.slice(0, depth).reduce((sum, { initial }) => sum + initial!.iteration, 0)

/** The nearest to the first that is on the way of all. */
function commonAncestor(lineages: Lineage[]): string | undefined {
  const [first, ...others] = lineages.map(idsOf)
  const sets = others.map(ids => new Set(ids))
  return first.find(id => sets.every(set => set.has(id)))
}

export function axisOf(lineages: Lineage[]): Axis {
  const common = commonAncestor(lineages)
  if (common === undefined) return { offsets: lineages.map(() => 0), fork: null }
  const depths = lineages.map(lineage => idsOf(lineage).indexOf(common))
  const leaves = lineages.flatMap(({ links }, i) =>
    depths[i] === 0 ? [] : [links[depths[i] - 1].initial!.iteration],
  )
  return {
    offsets: lineages.map((lineage, i) => offsetAt(lineage, depths[i])),
    fork: { experiment: common, iteration: Math.min(...leaves) },
  }
}

/**
 * Where the weights of an experiment are from the first iteration of the axis on: those of the experiments that it goes back
 * to, as far as it went along with them, and its own. Without a fork its own alone.
 */
export function piecesOf(lineage: Lineage, { fork }: Pick<Axis, 'fork'>): Piece[] {
  const ids = idsOf(lineage)
  const depth = fork === null ? 0 : ids.indexOf(fork.experiment)
  const last = offsetAt(lineage, depth)
  const pieces: Piece[] = []
  let to = last + lineage.iterations
  for (let own = 0; own <= depth; own++) {
    const offset = last - offsetAt(lineage, own)
    pieces.push({ id: ids[own], from: offset, to, offset })
    to = offset
  }
  return pieces.reverse()
}
