/** Conditions on an entity tag (RFC 9110, 13.1). */

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
