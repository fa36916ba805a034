export type EngineName = 'native' | 'wasm'

/** What computed: recorded with every result, since bits are equal only on the same engine, device and thread count. */
export type EngineDescription = {
  name: EngineName
  /** TensorFlow's version, or the WASM backend's. */
  version: string
  /** CPU threads of one operation. */
  threads: number
  device: string
  /** Whether the device is a GPU. */
  onGpu?: boolean
}
