/** Trajectories as they are sent: files of tensors, and the form that they come in. */

export type Arrays = Record<string, { shape: number[]; values: Float32Array | number[] }>

/** A safetensors file, as its documents have it. */
export function safetensors(arrays: Arrays): Buffer {
  let end = 0
  const parts = Object.entries(arrays).map(([name, { shape, values }]) => {
    const bytes = Buffer.from(Float32Array.from(values).buffer)
    const start = end
    end += bytes.length
    return { name, bytes, header: { dtype: 'F32', shape, data_offsets: [start, end] } }
  })
  const header = Buffer.from(
    JSON.stringify(Object.fromEntries(parts.map(({ name, header }) => [name, header]))),
  )
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.length))
  return Buffer.concat([length, header, ...parts.map(({ bytes }) => bytes)])
}

/** Sends a trajectory; resolves to the answer. */
export const sendTrajectory = async (
  url: string,
  trajectory: object,
  files: Buffer[],
  probe?: Buffer,
  key?: string,
) => {
  const form = new FormData()
  form.set('trajectory', JSON.stringify(trajectory))
  for (const file of files) form.append('part', new Blob([new Uint8Array(file)]), 'part.safetensors')
  if (probe) form.append('probe', new Blob([new Uint8Array(probe)]), 'probe.safetensors')
  const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` }
  const answer = await fetch(`${url}/v1/trajectories`, { method: 'POST', body: form, headers })
  // biome-ignore lint/suspicious/noExplicitAny: whatever the API says.
  return { status: answer.status, body: (await answer.json()) as any }
}

/** Zeros, `rows` of this shape. */
export const zeros = (rows: number, ...shape: number[]) => ({
  shape: [rows, ...shape],
  values: new Float32Array(rows * shape.reduce((a, b) => a * b, 1)),
})
