// Included by batch-norm.cc, once a level (levels.h). A vector of channels at a time, along the rows; a row's values beyond its own
// channels are the next one's, and are dropped.
#include "vectors.h"

// Of a vector of channels: z = (x − mean)·slope + shift, slope = γ/√(σ² + ε), shift = β.
struct Channel {
  Floats mean, slope, shift;
};

INLINED Channel channelOf(const float* mean, const float* slope, const float* shift, int64_t from, int64_t c) {
  return {loadUpTo(mean + from, c - from), loadUpTo(slope + from, c - from), loadUpTo(shift + from, c - from)};
}

// The gradient asks for it again, to see where ReLU let through: what is here must be what was there, to the bit.
INLINED Floats normalized(Floats x, const Channel& channel) {
  return (x - channel.mean) * channel.slope + channel.shift;
}

template <bool relu>
INLINED void normalizeRows(const float* x, int64_t rows, int64_t c, int64_t readable, const float* mean,
                           const float* slope, const float* shift, float* y) {
  for (int64_t from = 0; from < c; from += perVector) {
    const Channel channel = channelOf(mean, slope, shift, from, c);
    for (int64_t at = from; at < rows * c; at += c) {
      const Floats z = normalized(loadOf(x + at, c - from, readable - at), channel);
      storeUpTo(y + at, relu ? (z < 0.0f ? Floats{} : z) : z, c - from);
    }
  }
}

void batchNorm(const float* x, int64_t rows, int64_t c, int64_t readable, const float* mean, const float* slope,
               const float* shift, float* y) {
  normalizeRows<false>(x, rows, c, readable, mean, slope, shift, y);
}

void batchNormRelu(const float* x, int64_t rows, int64_t c, int64_t readable, const float* mean, const float* slope,
                   const float* shift, float* y) {
  normalizeRows<true>(x, rows, c, readable, mean, slope, shift, y);
}

// y = max(z + shortcut, 0).
void batchNormAddRelu(const float* x, const float* shortcut, int64_t rows, int64_t c, int64_t readable,
                      const float* mean, const float* slope, const float* shift, float* y) {
  for (int64_t from = 0; from < c; from += perVector) {
    const Channel channel = channelOf(mean, slope, shift, from, c);
    for (int64_t at = from; at < rows * c; at += c) {
      const Floats z = normalized(loadOf(x + at, c - from, readable - at), channel) +
                       loadOf(shortcut + at, c - from, readable - at);
      storeUpTo(y + at, z < 0.0f ? Floats{} : z, c - from);
    }
  }
}

// dy, and after ReLU 0 where it let nothing through.
template <bool relu>
INLINED Floats letThrough(Floats dy, Floats x, const Channel& channel) {
  if (!relu) return dy;
  return normalized(x, channel) > 0.0f ? dy : Floats{};
}

// Rows that are added in float32 before the sums go on in float64.
constexpr int64_t shortRun = 16;

// Σ dz and Σ dz·(x − mean) over the rows: [c] each.
template <bool relu>
INLINED void sumRows(const float* dy, const float* x, int64_t rows, int64_t c, int64_t readable, const float* mean,
                     const float* slope, const float* shift, double* sums, double* alongs) {
  for (int64_t from = 0; from < c; from += perVector) {
    const Channel channel = channelOf(mean, slope, shift, from, c);
    Doubles sum[2] = {}, along[2] = {};
    for (int64_t row = 0; row < rows; row += shortRun) {
      const int64_t end = row + shortRun < rows ? row + shortRun : rows;
      Floats runs = {}, runsAlong = {};
      for (int64_t at = row * c + from; at < end * c; at += c) {
        const Floats values = loadOf(x + at, c - from, readable - at);
        const Floats dz = letThrough<relu>(loadOf(dy + at, c - from, readable - at), values, channel);
        runs += dz, runsAlong += dz * (values - channel.mean);
      }
      addHalves(sum, runs), addHalves(along, runsAlong);
    }
    storeHalves(sums + from, sum, c - from), storeHalves(alongs + from, along, c - from);
  }
}

void batchNormSums(const float* dy, const float* x, int64_t rows, int64_t c, int64_t readable, const float* mean,
                   const float* slope, const float* shift, double* sums, double* alongs) {
  sumRows<false>(dy, x, rows, c, readable, mean, slope, shift, sums, alongs);
}

void batchNormReluSums(const float* dy, const float* x, int64_t rows, int64_t c, int64_t readable, const float* mean,
                       const float* slope, const float* shift, double* sums, double* alongs) {
  sumRows<true>(dy, x, rows, c, readable, mean, slope, shift, sums, alongs);
}

// dz, which is dy where y > 0, and of it the sums of sumRows.
void batchNormAddReluSums(const float* dy, const float* y, const float* x, int64_t rows, int64_t c, int64_t readable,
                          const float* mean, float* dz, double* sums, double* alongs) {
  for (int64_t from = 0; from < c; from += perVector) {
    const Floats middle = loadUpTo(mean + from, c - from);
    Doubles sum[2] = {}, along[2] = {};
    for (int64_t row = 0; row < rows; row += shortRun) {
      const int64_t end = row + shortRun < rows ? row + shortRun : rows;
      Floats runs = {}, runsAlong = {};
      for (int64_t at = row * c + from; at < end * c; at += c) {
        const int64_t left = readable - at;
        const Floats slope =
            loadOf(y + at, c - from, left) > 0.0f ? loadOf(dy + at, c - from, left) : Floats{};
        storeUpTo(dz + at, slope, c - from);
        runs += slope, runsAlong += slope * (loadOf(x + at, c - from, left) - middle);
      }
      addHalves(sum, runs), addHalves(along, runsAlong);
    }
    storeHalves(sums + from, sum, c - from), storeHalves(alongs + from, along, c - from);
  }
}

// dx = slope·(dz − first − (x − mean)·second).
template <bool relu>
INLINED void gradientOfRows(const float* dy, const float* x, int64_t rows, int64_t c, int64_t readable,
                            const float* mean, const float* slope, const float* shift, const float* first,
                            const float* second, float* dx) {
  for (int64_t from = 0; from < c; from += perVector) {
    const Channel channel = channelOf(mean, slope, shift, from, c);
    const Floats constant = loadUpTo(first + from, c - from), linear = loadUpTo(second + from, c - from);
    for (int64_t at = from; at < rows * c; at += c) {
      const Floats values = loadOf(x + at, c - from, readable - at);
      const Floats dz = letThrough<relu>(loadOf(dy + at, c - from, readable - at), values, channel);
      storeUpTo(dx + at, (dz - constant - (values - channel.mean) * linear) * channel.slope, c - from);
    }
  }
}

void batchNormGradient(const float* dy, const float* x, int64_t rows, int64_t c, int64_t readable, const float* mean,
                       const float* slope, const float* shift, const float* first, const float* second, float* dx) {
  gradientOfRows<false>(dy, x, rows, c, readable, mean, slope, shift, first, second, dx);
}

void batchNormReluGradient(const float* dy, const float* x, int64_t rows, int64_t c, int64_t readable,
                           const float* mean, const float* slope, const float* shift, const float* first,
                           const float* second, float* dx) {
  gradientOfRows<true>(dy, x, rows, c, readable, mean, slope, shift, first, second, dx);
}
