// Included by moments.cc, once a level (levels.h).
#include "vectors.h"

// Σ(x − m) and Σ(x − m)² over some rows of c channels, m a value for each: [rows, c], [c] → [c] twice. From x on so many values
// may be read, of which the rows are the first.
void centredSums(const float* x, int64_t rows, int64_t c, int64_t readable, const float* around, double* sums,
                 double* squares) {
  int64_t from = 0;
  // Two vectors of channels at a time, and two rows, so that four sums of each kind go on at once.
  for (; from + perVector <= c; from += perVector) {
    const Doubles m0 = loadDoubles(around + from), m1 = loadDoubles(around + from + perHalf);
    Doubles s0 = {}, s1 = {}, t0 = {}, t1 = {}, q0 = {}, q1 = {}, r0 = {}, r1 = {};
    const float* row = x + from;
    int64_t i = 0;
    for (; i + 2 <= rows; i += 2, row += 2 * c) {
      const Doubles a0 = loadDoubles(row) - m0, a1 = loadDoubles(row + perHalf) - m1;
      const Doubles b0 = loadDoubles(row + c) - m0, b1 = loadDoubles(row + c + perHalf) - m1;
      s0 += a0, s1 += a1, t0 += b0, t1 += b1;
      q0 += a0 * a0, q1 += a1 * a1, r0 += b0 * b0, r1 += b1 * b1;
    }
    if (i < rows) {
      const Doubles a0 = loadDoubles(row) - m0, a1 = loadDoubles(row + perHalf) - m1;
      s0 += a0, s1 += a1, q0 += a0 * a0, q1 += a1 * a1;
    }
    store(sums + from, s0 + t0), store(sums + from + perHalf, s1 + t1);
    store(squares + from, q0 + r0), store(squares + from + perHalf, q1 + r1);
  }
  // The channels left, half as many at a time. Lanes beyond them see the next row's values, and nobody looks at those.
  for (; from < c; from += perHalf) {
    const int64_t width = c - from < perHalf ? c - from : perHalf;
    double m[perHalf] = {}, s[perHalf], q[perHalf];
    for (int64_t lane = 0; lane < width; lane++) m[lane] = around[from + lane];
    const Doubles m0 = load<Doubles>(m);
    Doubles s0 = {}, s1 = {}, q0 = {}, q1 = {};
    int64_t i = 0;
    for (; (i + 1) * c + from + perHalf <= readable && i + 2 <= rows; i += 2) {
      const Doubles a = loadDoubles(x + i * c + from) - m0, b = loadDoubles(x + (i + 1) * c + from) - m0;
      s0 += a, s1 += b, q0 += a * a, q1 += b * b;
    }
    store(s, s0 + s1), store(q, q0 + q1);
    for (; i < rows; i++)
      for (int64_t lane = 0; lane < width; lane++) {
        const double a = static_cast<double>(x[i * c + from + lane]) - m[lane];
        s[lane] += a, q[lane] += a * a;
      }
    for (int64_t lane = 0; lane < width; lane++) sums[from + lane] = s[lane], squares[from + lane] = q[lane];
  }
}
