/**
 * How far a mean over a random sample of a split may be from the mean over the split, by the spread of the sample's parts.
 *
 * n of N examples are drawn without replacement and cut at random into C groups of m_c, the group means ȳ_c; ȳ = Σ w_c ȳ_c
 * with w_c = m_c/n is the sample's. Then
 *
 *     s.e.² = (1 − n/N) · Σ w_c² (ȳ_c − ȳ)² / (1 − Σ w_c²)
 *
 * is an unbiased estimate of Var ȳ = (1 − n/N) S²/n, S² the variance of one example's value in the split: in every sample
 * of variance s² the random cut gives E[(ȳ_c − ȳ)²] = s² (1/m_c − 1/n), so that the sum is s²/n · (1 − Σ w_c²), and
 * E[s²] = S². For groups of one size it is Σ (ȳ_c − ȳ)² / (C (C − 1)) with the finite population correction (random
 * groups: Wolter, Introduction to Variance Estimation, 2007, §2.2; sampling without replacement: Cochran, Sampling
 * Techniques, 1977, §2.5 and 2.6). Where whole groups of one size are drawn out of N/m that are fixed, as with batch norm,
 * whose loss is the mean over its chunks, the same formula is that of a simple random sample of C groups (Cochran §9.4).
 *
 * (ȳ − Y)/s.e. is nearly Student's t with C − 1 degrees of freedom.
 */

/** The groups of a sample: how many examples each has, and how many there are to draw from. */
export type Groups = { examples: ArrayLike<number>; of: number }

/**
 * The standard error of Σ w_c y_c, y_c the values [start, start + C) of `means`. NaN below two groups, where nothing is
 * known of it; 0 where the groups are all there is.
 */
export function standardError(means: ArrayLike<number>, { examples, of }: Groups, start = 0): number {
  const groups = examples.length
  let n = 0
  for (let c = 0; c < groups; c++) n += examples[c]
  let mean = 0
  let squares = 0
  for (let c = 0; c < groups; c++) {
    const weight = examples[c] / n
    mean += weight * means[start + c]
    squares += weight * weight
  }
  let spread = 0
  for (let c = 0; c < groups; c++) spread += ((examples[c] / n) * (means[start + c] - mean)) ** 2
  return groups < 2 ? Number.NaN : Math.sqrt(((1 - n / of) * spread) / (1 - squares))
}

/**
 * Sums over the variables of each group, and over all: [groups + 1, chunks] of [variables, chunks]; `groupOf` says where
 * each variable belongs.
 */
export function groupSums(
  values: ArrayLike<number>,
  chunks: number,
  groupOf: number[],
  groups: number,
): Float64Array {
  const sums = new Float64Array((groups + 1) * chunks)
  for (const [variable, group] of groupOf.entries())
    for (let c = 0; c < chunks; c++) {
      const value = values[variable * chunks + c]
      sums[group * chunks + c] += value
      sums[groups * chunks + c] += value
    }
  return sums
}
