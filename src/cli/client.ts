/** What the commands say to the API: JSON over HTTP, and errors as a person would want to read them. */

/** The API answered with an error; the message is what it said, field by field. */
export class ApiError extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.name = 'ApiError'
    this.status = status
  }
}

type Problem = { title?: string; detail?: string; errors?: { path: string; message: string }[] }

/** Sends a request and returns the JSON of the answer. Throws ApiError for a status of 400 and above. */
export async function request<T>(base: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(new URL(path, base), {
    method: body === undefined ? 'GET' : 'POST',
    ...(body === undefined
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
  if (response.ok) return (await response.json()) as T
  const problem = (await response.json().catch(() => ({}))) as Problem
  const fields = (problem.errors ?? []).map(({ path, message }) => `  ${path}: ${message}`)
  throw new ApiError(
    response.status,
    [`${response.status} ${problem.detail ?? problem.title ?? response.statusText}`, ...fields].join('\n'),
  )
}
