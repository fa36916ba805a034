// Included by accumulate.cc, once a level (levels.h).
#include "vectors.h"

// sums += weight · values.
void addValues(double weight, const float* values, int64_t count, double* sums) {
  int64_t i = 0;
  for (; i + perHalf <= count; i += perHalf)
    store(sums + i, load<Doubles>(sums + i) + weight * loadDoubles(values + i));
  for (; i < count; i++) sums[i] += weight * values[i];
}

// Σ values · direction, float64.
double slopeAlong(const double* direction, const float* values, int64_t count) {
  Doubles sums[4] = {};
  int64_t i = 0;
  for (; i + 4 * perHalf <= count; i += 4 * perHalf)
#pragma GCC unroll 4
    for (int v = 0; v < 4; v++)
      sums[v] += load<Doubles>(direction + i + v * perHalf) * loadDoubles(values + i + v * perHalf);
  double sum = total((sums[0] + sums[1]) + (sums[2] + sums[3]));
  for (; i < count; i++) sum += direction[i] * values[i];
  return sum;
}
