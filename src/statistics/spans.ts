/** Spans of iterations that a run is cut into, for figures. */

/** The shortest of 1, 2, … 9, 10, 20, … iterations of which [from, to) has no more spans than this. */
export function bucketFor({ from, to }: { from: number; to: number }, spans: number): number {
  for (let power = 1; ; power *= 10)
    for (let bucket = power; bucket < 10 * power; bucket += power)
      if (Math.ceil(to / bucket) - Math.floor(from / bucket) <= spans) return bucket
}
