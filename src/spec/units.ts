/**
 * The output units of layers: which unit, or channel, a parameter belongs to. A unit is the last axis of a kernel (dense
 * [in, out], convolution [h, w, in, out]) and the only axis of a bias or of batch norm's scale and shift; a depthwise
 * kernel is [h, w, channels, 1] and has a unit a channel. In all of them parameter i of a variable belongs to unit
 * i mod units.
 */
import type { VariableFacts } from './facts.ts'

/** What the names of depthwise layers are made of; their shape alone is also that of a convolution with one filter. */
export const depthwiseStem = 'depthwise'
/** What the names of attention layers are made of: their units are heads. */
export const attentionStem = 'attention'
const depthwise = new RegExp(`(^|[/_])${depthwiseStem}_\\d+$`)

export type LayerUnits = {
  layer: string
  /** Where its units start among those of all layers. */
  offset: number
  units: number
  /** Parameters of one unit. */
  parameters: number
}

type Variable = Pick<VariableFacts, 'name' | 'layer' | 'shape' | 'size'>

/** The units of every layer that has variables, in the order of the network. */
export function layerUnits(variables: Variable[]): LayerUnits[] {
  const layers = new Map<string, Variable[]>()
  for (const variable of variables) {
    const own = layers.get(variable.layer)
    if (own === undefined) layers.set(variable.layer, [variable])
    else own.push(variable)
  }
  let offset = 0
  return [...layers].map(([layer, own]) => {
    const units = unitsOf(own)
    const odd = own.find(({ size }) => size % units !== 0)
    if (odd)
      throw new Error(`${odd.name} [${odd.shape}] does not divide into the ${units} units of its layer`)
    const parameters = own.reduce((sum, { size }) => sum + size, 0) / units
    offset += units
    return { layer, offset: offset - units, units, parameters }
  })
}

function unitsOf([{ layer, shape }]: Variable[]): number {
  return shape.length === 4 && depthwise.test(layer) ? shape[2] : shape[shape.length - 1]
}
