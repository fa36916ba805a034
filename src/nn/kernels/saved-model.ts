/**
 * A TensorFlow graph in the form that the native library loads one from: a SavedModel, a folder with one protocol buffer in it
 * (tensorflow/core/protobuf/saved_model.proto, framework/graph.proto). The messages are those that tfjs-node brings along.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import type { Attribute, NativeBackend } from './native-backend.ts'

/** The value of a Const node: TensorFlow's number of its type, its shape, and its bytes as they lie in memory. */
export type Constant = { type: number; shape: number[]; bytes: Uint8Array }

/** `inputs` are names of nodes, with `:k` behind where it is the k-th output that is taken and k > 0. */
export type Node = {
  name: string
  operation: string
  inputs: string[]
  attributes: Attribute[]
  constant?: Constant
}

/** What of google-protobuf's generated messages is used here. */
type Message = { serializeBinary(): Uint8Array } & Record<string, (...values: unknown[]) => unknown>
type MessageType = (new () => Message) & Record<string, new () => Message>

const require = createRequire(import.meta.url)
const tag = 'serve'
/** Of graphs: as new as any that this TensorFlow reads, so that operations mean what they mean when run one by one. */
const producer = 2000

/** Loads a graph into a session of its own; resolves to the session's number. Throws what TensorFlow says where it cannot. */
export function loadGraph(backend: NativeBackend, nodes: Node[]): number {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'loss-ledger-graph-'))
  try {
    writeFileSync(path.join(folder, 'saved_model.pb'), savedModel(backend, nodes))
    return backend.loadSavedModelMetaGraph(folder, tag)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function savedModel({ binding }: NativeBackend, nodes: Node[]): Uint8Array {
  const messages = require('@tensorflow/tfjs-node-gpu/dist/proto/api_pb') as Record<string, MessageType>
  const { SavedModel, MetaGraphDef, GraphDef, VersionDef, NodeDef, AttrValue } = messages

  const shaped = (sizes: number[]) => {
    const shape = new messages.TensorShape()
    for (const size of sizes) {
      const dim = new messages.TensorShape.Dim()
      dim.setSize(size)
      shape.addDim(dim)
    }
    return shape
  }
  // A text would be taken for base64.
  const bytes = (text: unknown) => Buffer.from(String(text))
  /** Named as the setters are: S, I, F, B, Type, Shape. */
  const kinds: Record<number, [string, (value: unknown) => unknown]> = {
    [binding.TF_ATTR_STRING]: ['S', bytes],
    [binding.TF_ATTR_INT]: ['I', value => value],
    [binding.TF_ATTR_FLOAT]: ['F', value => value],
    [binding.TF_ATTR_BOOL]: ['B', value => value],
    [binding.TF_ATTR_TYPE]: ['Type', value => value],
    [binding.TF_ATTR_SHAPE]: ['Shape', value => shaped(value as number[])],
  }
  const attributeOf = ({ name, type, value }: Attribute) => {
    const kind = kinds[type]
    if (kind === undefined) throw new Error(`attribute ${name} of a graph's node is of type ${type}`)
    const [setter, convert] = kind
    const message = new AttrValue()
    if (Array.isArray(value) && type !== binding.TF_ATTR_SHAPE) {
      const list = new AttrValue.ListValue()
      for (const item of value) list[`add${setter}`](convert(item))
      message.setList(list)
    } else message[`set${setter}`](convert(value))
    return message
  }
  const tensorOf = ({ type, shape, bytes }: Constant) => {
    const tensor = new messages.Tensor()
    tensor.setDtype(type)
    tensor.setTensorShape(shaped(shape))
    tensor.setTensorContent(bytes)
    const message = new AttrValue()
    message.setTensor(tensor)
    return message
  }

  const graph = new GraphDef()
  for (const { name, operation, inputs, attributes, constant } of nodes) {
    const node = new NodeDef()
    node.setName(name)
    node.setOp(operation)
    node.setInputList(inputs)
    const map = node.getAttrMap() as { set(name: string, value: Message): void }
    for (const attribute of attributes) map.set(attribute.name, attributeOf(attribute))
    if (constant) map.set('value', tensorOf(constant))
    graph.addNode(node)
  }
  const versions = new VersionDef()
  versions.setProducer(producer)
  graph.setVersions(versions)
  const info = new MetaGraphDef.MetaInfoDef()
  info.addTags(tag)
  const meta = new MetaGraphDef()
  meta.setMetaInfoDef(info)
  meta.setGraphDef(graph)
  const model = new SavedModel()
  model.setSavedModelSchemaVersion(1)
  model.addMetaGraphs(meta)
  return model.serializeBinary()
}
