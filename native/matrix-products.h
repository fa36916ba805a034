// Products of matrices whose factors are in fast memory. Included within a namespace by files of loops, once a level (levels.h).
#include "vectors.h"

// out[i, ·] (+)= Σ_d a[i·rowStride + d·stride]·b[d·right + ·] of `rows` rows and `vectors` vectors, a row of out `below` the last.
template <int rows, int vectors, bool adds>
INLINED void product(const float* a, int64_t rowStride, int64_t stride, const float* b, int64_t right, int64_t depth,
                     float* out, int64_t below) {
  Floats sums[rows][vectors];
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
    for (int j = 0; j < vectors; j++) sums[i][j] = adds ? load<Floats>(out + i * below + j * perVector) : Floats{};
  for (int64_t d = 0; d < depth; d++) {
    Floats factors[vectors];
#pragma GCC unroll 4
    for (int j = 0; j < vectors; j++) factors[j] = load<Floats>(b + d * right + j * perVector);
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
      const Floats left = all(a[i * rowStride + d * stride]);
#pragma GCC unroll 4
      for (int j = 0; j < vectors; j++) sums[i][j] += left * factors[j];
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
    for (int j = 0; j < vectors; j++) store(out + i * below + j * perVector, sums[i][j]);
}

// A number that a template can take.
template <int number>
struct Fixed {
  static constexpr int value = number;
};
