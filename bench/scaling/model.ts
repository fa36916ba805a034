/** What a fleet costs a service, fitted to measured points. */

export type Point = { workers: number; segmentsPerSecond: number; cores: number }

/** Cores of a service ≈ perWorker · workers + perSegment · segments a second. */
export type Model = { perWorker: number; perSegment: number; worstError: number }

/**
 * Least squares without an intercept: a service that nobody uses costs nothing. Each point counts by its relative error,
 * so that the small ones count too. `worstError` is the largest of these.
 */
export function fitModel(points: Point[]): Model {
  let [ww, ws, ss, wc, sc] = [0, 0, 0, 0, 0]
  for (const { workers, segmentsPerSecond, cores } of points) {
    const [w, s] = [workers / cores, segmentsPerSecond / cores]
    ww += w * w
    ws += w * s
    ss += s * s
    wc += w
    sc += s
  }
  const determinant = ww * ss - ws * ws
  const perWorker = (wc * ss - sc * ws) / determinant
  const perSegment = (sc * ww - wc * ws) / determinant
  const errors = points.map(
    point =>
      Math.abs(perWorker * point.workers + perSegment * point.segmentsPerSecond - point.cores) / point.cores,
  )
  return { perWorker, perSegment, worstError: Math.max(...errors) }
}

/** How many workers so many cores carry, with segments of so many seconds. */
export const workersOn = ({ perWorker, perSegment }: Model, cores: number, seconds: number): number =>
  cores / (perWorker + perSegment / seconds)
