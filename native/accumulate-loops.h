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
