// Included by accumulate.cc, once a level (levels.h).
#include "vectors.h"

// to = from + values, both sums float64 as two int32 a value.
void addValues(const int32_t* from, const float* values, int64_t count, int32_t* to) {
  int64_t i = 0;
  for (; i + perHalf <= count; i += perHalf)
    store(to + 2 * i, load<Doubles>(from + 2 * i) + loadDoubles(values + i));
  for (; i < count; i++) {
    double sum;
    __builtin_memcpy(&sum, from + 2 * i, sizeof sum);
    sum += values[i];
    __builtin_memcpy(to + 2 * i, &sum, sizeof sum);
  }
}

// to = values, as if the sums were 0.
void widen(const float* values, int64_t count, int32_t* to) {
  int64_t i = 0;
  for (; i + perHalf <= count; i += perHalf) store(to + 2 * i, loadDoubles(values + i));
  for (; i < count; i++) {
    const double value = values[i];
    __builtin_memcpy(to + 2 * i, &value, sizeof value);
  }
}

// Σ values · direction, float64, the direction as two int32 a value.
double slopeAlong(const int32_t* direction, const float* values, int64_t count) {
  Doubles sums[4] = {};
  int64_t i = 0;
  for (; i + 4 * perHalf <= count; i += 4 * perHalf)
#pragma GCC unroll 4
    for (int v = 0; v < 4; v++)
      sums[v] += load<Doubles>(direction + 2 * (i + v * perHalf)) * loadDoubles(values + i + v * perHalf);
  double sum = total((sums[0] + sums[1]) + (sums[2] + sums[3]));
  for (; i < count; i++) {
    double step;
    __builtin_memcpy(&step, direction + 2 * i, sizeof step);
    sum += step * values[i];
  }
  return sum;
}
