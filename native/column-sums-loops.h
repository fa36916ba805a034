// Included by column-sums.cc, once a level (levels.h).
#include "vectors.h"

// Rows that are added in float32 before the sums go on in float64.
constexpr int64_t shortRun = 16;

// As columnSums, of `vectors` whole vectors of columns side by side: as many sums go on at once.
template <int vectors>
INLINED void wholeSums(const float* dy, int64_t rows, int64_t c, double* sums) {
  Doubles sum[vectors][2] = {};
  for (int64_t row = 0; row < rows; row += shortRun) {
    const int64_t end = row + shortRun < rows ? row + shortRun : rows;
    Floats run[vectors] = {};
    for (int64_t at = row * c; at < end * c; at += c)
#pragma GCC unroll 4
      for (int i = 0; i < vectors; i++) run[i] += load<Floats>(dy + at + i * perVector);
#pragma GCC unroll 4
    for (int i = 0; i < vectors; i++) addHalves(sum[i], run[i]);
  }
  for (int i = 0; i < vectors; i++) storeHalves(sums + i * perVector, sum[i], perVector);
}

// Σ over the rows: [rows, c] → [c]. From dy on so many values may be read as `readable` says; of a row what lies beyond its own
// columns is the next one's, and is dropped.
void columnSums(const float* dy, int64_t rows, int64_t c, int64_t readable, double* sums) {
  int64_t from = 0;
  for (; from + 4 * perVector <= c; from += 4 * perVector) wholeSums<4>(dy + from, rows, c, sums + from);
  for (; from + perVector <= c; from += perVector) wholeSums<1>(dy + from, rows, c, sums + from);
  if (from == c) return;
  Doubles sum[2] = {};
  for (int64_t row = 0; row < rows; row += shortRun) {
    const int64_t end = row + shortRun < rows ? row + shortRun : rows;
    Floats run = {};
    for (int64_t at = row * c + from; at < end * c; at += c)
      run += readable - at >= perVector ? load<Floats>(dy + at) : loadSome(dy + at, c - from);
    addHalves(sum, run);
  }
  storeHalves(sums + from, sum, c - from);
}
