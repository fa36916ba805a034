// Included by activations.cc, once a level (levels.h). With e = exp(−|z|), σ(z) is 1/(1 + e) or e/(1 + e), and 1 − σ(z) the other: both
// keep their digits however small they are.
#include "vectors.h"

struct Gate {
  Floats open;    // σ(z)
  Floats closed;  // 1 − σ(z)
};

INLINED Gate gateOf(Floats z) {
  const Integers negative = z < 0.0f;
  const Floats e = exponential(negative ? z : -z);
  const Floats larger = 1.0f / (e + 1.0f), smaller = e * larger;
  return {negative ? smaller : larger, negative ? larger : smaller};
}

// Beyond it the gates of all three are 0 or 1 in float32; within, no product of x overflows.
constexpr float farOut = 128.0f;
INLINED Floats bounded(Floats x) { return greatest(least(x, farOut), -farOut); }

// √(2/π), twice, and the cubic term of the tanh form of GELU.
constexpr float geluScale = 1.5957691216057308f;
constexpr float geluCubic = 0.044715f;

struct Gelu {
  INLINED Floats value(Floats x) {
    const Floats b = bounded(x);
    return x * gateOf(b * (b * b * geluCubic + 1.0f) * geluScale).open;
  }
  INLINED Floats slope(Floats x) {
    const Floats b = bounded(x);
    const Gate gate = gateOf(b * (b * b * geluCubic + 1.0f) * geluScale);
    return gate.open * (b * gate.closed * ((b * b * (3 * geluCubic) + 1.0f) * geluScale) + 1.0f);
  }
};

struct Silu {
  INLINED Floats value(Floats x) { return x * gateOf(x).open; }
  INLINED Floats slope(Floats x) {
    const Floats b = bounded(x);
    const Gate gate = gateOf(b);
    return gate.open * (b * gate.closed + 1.0f);
  }
};

struct Tanh {
  INLINED Floats slope(Floats x) {
    const Gate gate = gateOf(x * 2.0f);
    return gate.open * gate.closed * 4.0f;
  }
};

template <typename Function>
INLINED void values(const float* x, float* y, int64_t count) {
  int64_t i = 0;
  for (; i + perVector <= count; i += perVector) store(y + i, Function::value(load<Floats>(x + i)));
  if (i < count) storeSome(y + i, Function::value(loadSome(x + i, count - i)), count - i);
}

template <typename Function>
INLINED void gradients(const float* dy, const float* x, float* dx, int64_t count) {
  int64_t i = 0;
  for (; i + perVector <= count; i += perVector)
    store(dx + i, load<Floats>(dy + i) * Function::slope(load<Floats>(x + i)));
  if (i < count)
    storeSome(dx + i, loadSome(dy + i, count - i) * Function::slope(loadSome(x + i, count - i)), count - i);
}

void gelu(const float* x, float* y, int64_t count) { values<Gelu>(x, y, count); }
void silu(const float* x, float* y, int64_t count) { values<Silu>(x, y, count); }
void geluGradient(const float* dy, const float* x, float* dx, int64_t count) { gradients<Gelu>(dy, x, dx, count); }
void siluGradient(const float* dy, const float* x, float* dx, int64_t count) { gradients<Silu>(dy, x, dx, count); }
void tanhGradient(const float* dy, const float* x, float* dx, int64_t count) { gradients<Tanh>(dy, x, dx, count); }
