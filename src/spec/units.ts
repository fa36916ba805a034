/**
 * The output units of layers: which unit, or channel, a parameter belongs to. A unit is the last axis of a kernel (dense
 * [in, out], convolution [h, w, in, out]) and the only axis of a bias or of batch norm's scale and shift; a depthwise
 * kernel is [h, w, channels, 1] and has a unit a channel. In all of them parameter i of a variable belongs to unit
 * i mod units. The units of attention are its heads, and one more at the end for the bias of its output, which all share.
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
  /** Parameters of the last unit, where it is what heads share. */
  shared?: number
}

/** Which units a variable's parameters belong to: i to first + ⌊i/stride⌋ mod units. */
export type UnitSpan = { first: number; stride: number; units: number }

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
    const heads = headsOf(own[0])
    const shared = heads === undefined ? undefined : own.find(isShared)?.size
    const units = (heads ?? unitsOf(own)) + (shared === undefined ? 0 : 1)
    const each = heads ?? units
    const divided = own.filter(variable => heads === undefined || !isShared(variable))
    const odd = divided.find(({ size }) => size % each !== 0)
    if (odd) throw new Error(`${odd.name} [${odd.shape}] does not divide into the ${each} units of its layer`)
    const parameters = divided.reduce((sum, { size }) => sum + size, 0) / each
    offset += units
    return { layer, offset: offset - units, units, parameters, ...(shared !== undefined && { shared }) }
  })
}

/** The units of one variable among all of its layer's, `first` counted over those of all layers. */
export function unitSpan(variable: Variable, { offset, units, shared }: LayerUnits): UnitSpan {
  const { name, layer, shape, size } = variable
  if (!attention.test(layer)) return { first: offset, stride: 1, units }
  const heads = shared === undefined ? units : units - 1
  if (isShared(variable)) return { first: offset + heads, stride: size, units: 1 }
  // [c, heads, size] and [heads, size] of queries, keys and values; [heads, size, c] of the output.
  const stride = name.endsWith(outputKernel) ? size / heads : shape[shape.length - 1]
  return { first: offset, stride, units: heads }
}

const attention = new RegExp(`(^|[/_])${attentionStem}_\\d+$`)
const outputKernel = '/output_kernel'
const isShared = ({ name }: Variable) => name.endsWith('/output_bias')

/** The heads of an attention layer, by its first variable, query_kernel [c, heads, size]; undefined of another layer. */
const headsOf = ({ layer, shape }: Variable): number | undefined =>
  attention.test(layer) && shape.length === 3 ? shape[1] : undefined

function unitsOf([{ layer, shape }]: Variable[]): number {
  return shape.length === 4 && depthwise.test(layer) ? shape[2] : shape[shape.length - 1]
}
