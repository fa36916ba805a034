/**
 * Steps that training itself judges: the LCA of a step from θ_t to another point, by a quadrature in one part. It takes a
 * gradient at θ_t and, but by left, one at the other end; where steps follow each other the end of one is the start of the next.
 */
import type { ResolvedJudge } from '../spec/resolved.ts'
import { NotFiniteError } from './not-finite.ts'
import { integrate, makeSums, methods, newPoints, nextLevel, startSums } from './quadrature.ts'

/** The loss that steps are judged by. θ is float32 [parameters]. */
export type Judge = {
  /** Adds the gradient at θ to float64 [parameters]; returns the loss, of the same bits as `loss`. */
  addGradient(theta: Float32Array, into: Float64Array): Promise<number>
  loss(theta: Float32Array): Promise<number>
}

export type Judging = {
  /** Of the last step, valid until the next: float32 and float64 [parameters]. */
  lca: Float32Array
  meanGradient: Float64Array
  delta: Float64Array
  /** Judges the step; returns L(θ_t). Throws NotFiniteError where the loss or its gradient is not finite. */
  step(step: { iteration: number; position: number; from: Float32Array; to: Float32Array }): Promise<number>
  /**
   * Is told where training went from there, and whether it `goesOn` to judge the next step, at position + 1: then the
   * gradient there is kept. Returns the loss there, by what is known or, `wanted`, by a forward pass; else NaN.
   */
  arrive(theta: Float32Array, position: number, next: { goesOn: boolean; wanted: boolean }): Promise<number>
}

type Vector = Float64Array<ArrayBuffer>
type Point = { loss: number; gradient: Vector }

export function makeJudging(
  parameters: number,
  { split, method: name }: ResolvedJudge,
  judge: Judge,
): Judging {
  const method = methods[name]
  const vector = () => new Float64Array(parameters)
  const sums = makeSums(method, parameters)
  const [meanGradient, delta] = [vector(), vector()]
  const lca = new Float32Array(parameters)
  const node = new Float32Array(parameters)
  /** Two points at most are known at a time; vectors go round. */
  const spare = [vector(), vector()]
  const visit = async (theta: Float32Array): Promise<Point> => {
    const gradient = spare.pop()!.fill(0)
    return { loss: await judge.addGradient(theta, gradient), gradient }
  }
  let start: (Point & { position: number }) | undefined
  let end: (Point & { theta: Float32Array }) | undefined
  return {
    ...{ lca, meanGradient, delta },

    async step({ iteration, position, from, to }) {
      for (let i = 0; i < parameters; i++) delta[i] = to[i] - from[i]
      if (start?.position !== position) {
        if (start) spare.push(start.gradient)
        start = { ...(await visit(from)), position }
      }
      // By left the end is not looked at.
      end = name === 'left' ? undefined : { ...(await visit(to)), theta: to }
      const last = end?.gradient ?? start.gradient
      startSums(sums, start.gradient, last)
      for (let level = 1; level < method.coefficients.length; level++) {
        const into = nextLevel(sums)
        for (const alpha of newPoints(level)) {
          for (let i = 0; i < parameters; i++) node[i] = from[i] + alpha * delta[i]
          await judge.addGradient(node, into)
        }
      }
      integrate(method, sums, start.gradient, last, meanGradient)
      let total = start.loss
      for (let i = 0; i < parameters; i++) {
        // + 0 turns −0 into 0.
        lca[i] = meanGradient[i] * delta[i] + 0
        total += lca[i]
      }
      if (!Number.isFinite(total)) throw new NotFiniteError(iteration, split)
      return start.loss
    },

    async arrive(theta, position, { goesOn, wanted }) {
      if (start) spare.push(start.gradient)
      start = undefined
      let reached: Point | undefined = end
      if (end && !isSame(theta, end.theta)) {
        spare.push(end.gradient)
        reached = undefined
      }
      end = undefined
      if (reached === undefined && goesOn) reached = await visit(theta)
      if (reached && goesOn) start = { ...reached, position: position + 1 }
      else if (reached) spare.push(reached.gradient)
      return reached?.loss ?? (wanted ? judge.loss(theta) : Number.NaN)
    },
  }
}

const isSame = (a: Float32Array, b: Float32Array) => a === b || a.every((value, i) => Object.is(value, b[i]))
