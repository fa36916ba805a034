/**
 * The layers networks are made of, as data, and what each kind does to a shape: pure arithmetic, no tensors, so that
 * the API can name layers and count parameters without loading TensorFlow. nn/forward.ts says what they compute.
 */

export type Layer =
  /** [h, w, c] → [h·w·c] */
  | { kind: 'flatten' }
  /** [in] → [units]; variables kernel [in, units] and bias [units] */
  | { kind: 'dense'; name: string; units: number }
  | { kind: 'relu' }

/** How a variable starts. `he-normal`: N(0, 2/fanIn) (He et al. 2015, eq. 10). */
export type Initializer = { name: 'zeros' } | { name: 'he-normal'; fanIn: number }

export type LayerVariable = { role: string; shape: number[]; initializer: Initializer }

export type LayerShape = {
  output: number[]
  variables: LayerVariable[]
  /** Floating-point operations of one example's forward pass (2 per multiply-add); elementwise work counts as nothing. */
  flops: number
}

const product = (shape: number[]) => shape.reduce((a, b) => a * b, 1)

type ShapeRules = {
  [K in Layer['kind']]: (layer: Extract<Layer, { kind: K }>, input: number[]) => LayerShape
}

const shapeRules: ShapeRules = {
  flatten: (_, input) => ({ output: [product(input)], variables: [], flops: 0 }),

  dense: ({ units }, [features]) => ({
    output: [units],
    variables: [
      { role: 'kernel', shape: [features, units], initializer: { name: 'he-normal', fanIn: features } },
      { role: 'bias', shape: [units], initializer: { name: 'zeros' } },
    ],
    flops: 2 * features * units,
  }),

  relu: (_, input) => ({ output: input, variables: [], flops: 0 }),
}

/** The output shape, variables and cost of a layer whose input has this shape (one example, no batch axis). */
export function shapeOf(layer: Layer, input: number[]): LayerShape {
  return (shapeRules[layer.kind] as (layer: Layer, input: number[]) => LayerShape)(layer, input)
}
