/** What ldd says about a library. */

/** Lines like `libcudart.so.12 => not found`, as the names of the libraries. */
export function missingLibraries(ldd: string): string[] {
  return [...ldd.matchAll(/^\s*(\S+)\s*=>\s*not found/gm)].map(match => match[1])
}
