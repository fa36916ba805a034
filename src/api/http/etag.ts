/** Entity tags, and conditions on them (RFC 9110, 8.8.3 and 13.1). */
import { createHash } from 'node:crypto'

/** A tag for what these texts say together. Weak: gzip or not, it is the same. */
export function weakEtag(...parts: string[]): string {
  const digest = createHash('sha256').update(JSON.stringify(parts)).digest('base64url')
  return `W/"${digest.slice(0, 22)}"`
}

/** Whether If-None-Match names the tag, compared weakly: then the client has it already. */
export function matchesEtag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false
  const bare = strong(etag)
  return header.split(',').some(candidate => {
    const tag = candidate.trim()
    return tag === '*' || strong(tag) === bare
  })
}

const strong = (tag: string) => tag.replace(/^W\//, '')
