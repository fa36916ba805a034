// Included by attention.cc, once a level (levels.h). All of one example and head fits into the fastest memory: what belongs to it is
// copied into rows padded with zeros to whole vectors, so that no loop below has a rest.
#include "vectors.h"

// The count, up to whole vectors.
INLINED int64_t wholeVectors(int64_t count) { return (count + perVector - 1) / perVector * perVector; }

// out[i][·] = Σ_t a[i·aRow + t·aStep]·b[t][·] for `rows` rows; out and b have rows of `width` values, whole vectors.
template <int atOnce>
INLINED void productOfRows(float* out, const float* a, int64_t aRow, int64_t aStep, const float* b, int64_t inner,
                           int64_t width) {
  for (int64_t j = 0; j < width; j += perVector) {
    Floats sums[atOnce] = {};
    for (int64_t t = 0; t < inner; t++) {
      const Floats values = load<Floats>(b + t * width + j);
#pragma GCC unroll 8
      for (int i = 0; i < atOnce; i++) sums[i] += values * a[i * aRow + t * aStep];
    }
#pragma GCC unroll 8
    for (int i = 0; i < atOnce; i++) store(out + i * width + j, sums[i]);
  }
}

INLINED void product(float* out, const float* a, int64_t aRow, int64_t aStep, const float* b, int64_t rows,
                     int64_t inner, int64_t width) {
  int64_t i = 0;
  for (; i + 8 <= rows; i += 8) productOfRows<8>(out + i * width, a + i * aRow, aRow, aStep, b, inner, width);
  for (; i + 3 <= rows; i += 3) productOfRows<3>(out + i * width, a + i * aRow, aRow, aStep, b, inner, width);
  for (; i < rows; i++) productOfRows<1>(out + i * width, a + i * aRow, aRow, aStep, b, inner, width);
}

// How the rows of an example's head lie in a tensor of [length, heads·c], and in scratch memory.
struct Places {
  int64_t length;
  int64_t c;
  int64_t stride;        // from one row to the next: heads·c
  int64_t padded;        // c, up to whole vectors
  int64_t paddedLength;  // length, up to whole vectors
};

INLINED void copyIn(const float* from, float* to, const Places& p) {
  for (int64_t i = 0; i < p.length; i++)
    for (int64_t j = 0; j < p.padded; j += perVector)
      store(to + i * p.padded + j, loadUpTo(from + i * p.stride + j, p.c - j));
}

INLINED void copyOut(const float* from, float* to, const Places& p) {
  for (int64_t i = 0; i < p.length; i++)
    for (int64_t j = 0; j < p.c; j += perVector)
      storeUpTo(to + i * p.stride + j, load<Floats>(from + i * p.padded + j), p.c - j);
}

// [length, c] → [c, paddedLength], zeros beyond the length.
INLINED void turnIn(const float* from, float* to, const Places& p) {
  if (p.length < p.paddedLength)
    for (int64_t j = 0; j < p.c; j++) store(to + (j + 1) * p.paddedLength - perVector, Floats{});
  for (int64_t i = 0; i < p.length; i++)
    for (int64_t j = 0; j < p.c; j++) to[j * p.paddedLength + i] = from[i * p.stride + j];
}

// Each row's softmax of scale·scores over the first `seen` places, 0 beyond: [length, paddedLength] in place.
INLINED void softmaxRows(float* scores, float scale, bool causal, const Places& p) {
  for (int64_t i = 0; i < p.length; i++, scores += p.paddedLength) {
    const int64_t seen = causal ? i + 1 : p.length;
    Floats most = all(-__builtin_inff());
    for (int64_t j = 0; j < seen; j += perVector) {
      const Floats values = load<Floats>(scores + j) * scale;
      store(scores + j, values);
      const Integers there = lanes() < static_cast<int32_t>(seen - j);
      most = (there & (values > most)) ? values : most;
    }
    const float largest = largestOf(most);
    Floats sums = {};
    for (int64_t j = 0; j < p.paddedLength; j += perVector) {
      const Floats e =
          j < seen ? firstOnly(exponential(load<Floats>(scores + j) - largest), seen - j) : Floats{};
      store(scores + j, e);
      sums += e;
    }
    const float sum = sumOf(sums);
    for (int64_t j = 0; j < seen; j += perVector) store(scores + j, load<Floats>(scores + j) / sum);
  }
}

// How much scratch memory of each kind the two functions below take.
constexpr int rowsTaken = 3, turnedTaken = 1, scoresTaken = 2;

// One example, one head: y = P·v, P = softmax(q·kᵀ/√c), which is kept as [length, length].
void attend(const float* q, const float* k, const float* v, int64_t length, int64_t c, int64_t stride, bool causal,
            float* scratch, float* y, float* weights) {
  const Places p{length, c, stride, wholeVectors(c), wholeVectors(length)};
  float* const queries = scratch;
  float* const others = queries + length * p.padded;
  float* const turned = others + length * p.padded;
  float* const scores = turned + c * p.paddedLength;
  copyIn(q, queries, p), turnIn(k, turned, p);
  product(scores, queries, p.padded, 1, turned, length, c, p.paddedLength);
  softmaxRows(scores, 1 / __builtin_sqrtf(static_cast<float>(c)), causal, p);
  for (int64_t i = 0; i < length; i++)
    for (int64_t j = 0; j < length; j += perVector)
      storeUpTo(weights + i * length + j, load<Floats>(scores + i * p.paddedLength + j), length - j);
  copyIn(v, others, p);
  product(queries, scores, p.paddedLength, 1, others, length, length, p.padded);
  copyOut(queries, y, p);
}

// dv = Pᵀ·dy, dP = dy·vᵀ, dS = P∘(dP − Σ_row P∘dP)/√c, dq = dS·k, dk = dSᵀ·q.
void attendGradient(const float* dy, const float* q, const float* k, const float* v, const float* weights,
                    int64_t length, int64_t c, int64_t stride, float* scratch, float* dq, float* dk, float* dv) {
  const Places p{length, c, stride, wholeVectors(c), wholeVectors(length)};
  float* const slopes = scratch;
  float* const rows = slopes + length * p.padded;
  float* const made = rows + length * p.padded;
  float* const turned = made + length * p.padded;
  float* const scores = turned + c * p.paddedLength;
  float* const dScores = scores + length * p.paddedLength;
  for (int64_t i = 0; i < length; i++)
    for (int64_t j = 0; j < length; j += perVector)
      store(scores + i * p.paddedLength + j, loadUpTo(weights + i * length + j, length - j));
  copyIn(dy, slopes, p);
  product(made, scores, 1, p.paddedLength, slopes, length, length, p.padded);
  copyOut(made, dv, p);

  turnIn(v, turned, p);
  product(dScores, slopes, p.padded, 1, turned, length, c, p.paddedLength);
  const float scale = 1 / __builtin_sqrtf(static_cast<float>(c));
  for (int64_t i = 0; i < length; i++) {
    const float* weight = scores + i * p.paddedLength;
    float* dScore = dScores + i * p.paddedLength;
    Floats sums = {};
    for (int64_t j = 0; j < p.paddedLength; j += perVector) sums += load<Floats>(weight + j) * load<Floats>(dScore + j);
    const float sum = sumOf(sums);
    for (int64_t j = 0; j < p.paddedLength; j += perVector)
      store(dScore + j, load<Floats>(weight + j) * (load<Floats>(dScore + j) - sum) * scale);
  }
  copyIn(k, rows, p);
  product(made, dScores, p.paddedLength, 1, rows, length, length, p.padded);
  copyOut(made, dq, p);
  copyIn(q, rows, p);
  product(made, dScores, 1, p.paddedLength, rows, length, length, p.padded);
  copyOut(made, dk, p);
}

#include "few-places-loops.h"
