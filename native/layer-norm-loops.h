// Included by layer-norm.cc, once a level (levels.h).
#include "vectors.h"

// How many values are added in float32 before the sum goes on in float64.
constexpr int64_t shortRun = 16 * perVector;

struct Spread {
  double sum;
  double squares;
};

// Σ(x − around) and Σ(x − around)² of a row.
INLINED Spread spreadOf(const float* x, int64_t c, float around) {
  Doubles sums = {}, squares = {};
  for (int64_t from = 0; from < c; from += shortRun) {
    const int64_t to = from + shortRun < c ? from + shortRun : c;
    Floats sum = {}, square = {};
    for (int64_t i = from; i < to; i += perVector) {
      const Floats distance = firstOnly(loadUpTo(x + i, c - i) - around, c - i);
      sum += distance, square += distance * distance;
    }
    addTo(sums, sum), addTo(squares, square);
  }
  return {total(sums), total(squares)};
}

// y = γ·x̂ + β, x̂ = (x − μ)·s, s = 1/√(σ² + ε) by row, or of the uncentred (RMS) norm, which has no β, y = γ·x·s, s = 1/√(Σx²/c + ε).
// [rows, c], [c], [c] → [rows, c], μ and s [rows].
template <bool centred>
INLINED void normalizeRows(const float* x, const float* gamma, const float* beta, int64_t rows, int64_t c,
                           double epsilon, float* y, float* means, float* scales) {
  for (int64_t row = 0; row < rows; row++, x += c, y += c) {
    // A first mean to measure from, then what is left of it: where it lies far from 0 a distance is exact, a square is not.
    float mean = 0, rest = 0;
    if (centred) mean = static_cast<float>(spreadOf(x, c, 0.0f).sum / c);
    const Spread spread = spreadOf(x, c, mean);
    double variance = spread.squares / c;
    if (centred) {
      const double offset = spread.sum / c;
      variance -= offset * offset;
      if (variance < 0) variance = 0;
      rest = static_cast<float>(offset);
    }
    const float scale = static_cast<float>(1 / __builtin_sqrt(variance + epsilon));
    for (int64_t i = 0; i < c; i += perVector) {
      const Floats normalized = (loadUpTo(x + i, c - i) - mean - rest) * scale;
      Floats value = normalized * loadUpTo(gamma + i, c - i);
      if (centred) value += loadUpTo(beta + i, c - i);
      storeUpTo(y + i, value, c - i);
    }
    if (centred) means[row] = mean + rest;
    scales[row] = scale;
  }
}

void layerNorm(const float* x, const float* gamma, const float* beta, int64_t rows, int64_t c, double epsilon,
               float* y, float* means, float* scales) {
  normalizeRows<true>(x, gamma, beta, rows, c, epsilon, y, means, scales);
}

void rmsNorm(const float* x, const float* gamma, const float* beta, int64_t rows, int64_t c, double epsilon,
             float* y, float* means, float* scales) {
  normalizeRows<false>(x, gamma, beta, rows, c, epsilon, y, means, scales);
}

// dx = (g − Σg/c − x̂·Σ(g·x̂)/c)·s with g = γ·dy, without Σg where uncentred; and of these rows dγ = Σ dy·x̂, dβ = Σ dy, which begin at 0.
template <bool centred>
INLINED void gradientOfRows(const float* dy, const float* x, const float* gamma, const float* means,
                            const float* scales, int64_t rows, int64_t c, float* dx, float* dGamma, float* dBeta) {
  for (int64_t row = 0; row < rows; row++, x += c, dy += c, dx += c) {
    const float scale = scales[row];
    const float mean = centred ? means[row] : 0;
    Doubles sums = {}, alongs = {};
    for (int64_t from = 0; from < c; from += shortRun) {
      const int64_t to = from + shortRun < c ? from + shortRun : c;
      Floats sum = {}, along = {};
      for (int64_t i = from; i < to; i += perVector) {
        const int64_t left = c - i;
        const Floats slope = loadUpTo(dy + i, left);
        const Floats normalized = firstOnly((loadUpTo(x + i, left) - mean) * scale, left);
        const Floats g = slope * loadUpTo(gamma + i, left);
        sum += g, along += g * normalized;
        storeUpTo(dGamma + i, loadUpTo(dGamma + i, left) + slope * normalized, left);
        if (centred) storeUpTo(dBeta + i, loadUpTo(dBeta + i, left) + slope, left);
      }
      addTo(sums, sum), addTo(alongs, along);
    }
    const float meanSlope = centred ? static_cast<float>(total(sums) / c) : 0;
    const float meanAlong = static_cast<float>(total(alongs) / c);
    for (int64_t i = 0; i < c; i += perVector) {
      const int64_t left = c - i;
      const Floats normalized = (loadUpTo(x + i, left) - mean) * scale;
      const Floats g = loadUpTo(dy + i, left) * loadUpTo(gamma + i, left);
      storeUpTo(dx + i, (g - meanSlope - normalized * meanAlong) * scale, left);
    }
  }
}

void layerNormGradient(const float* dy, const float* x, const float* gamma, const float* means, const float* scales,
                       int64_t rows, int64_t c, float* dx, float* dGamma, float* dBeta) {
  gradientOfRows<true>(dy, x, gamma, means, scales, rows, c, dx, dGamma, dBeta);
}

void rmsNormGradient(const float* dy, const float* x, const float* gamma, const float* means, const float* scales,
                     int64_t rows, int64_t c, float* dx, float* dGamma, float* dBeta) {
  gradientOfRows<false>(dy, x, gamma, means, scales, rows, c, dx, dGamma, dBeta);
}
