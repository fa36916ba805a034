// Included by winograd.cc, once a level (levels.h), which has the formulas. Channels are whole vectors.
#include "matrix-products.h"

// A matrix of `columns` lies in panels of so many vectors side by side, row after row in each: a product reads them in order.
constexpr int64_t panelVectors = VECTOR_BYTES == 64 ? 3 : 2, panelWidth = panelVectors * perVector;
// From one of the 16 matrices of a block to the next: five lines further than they are long, so that what is written to all of
// them at once falls into sets of the cache of its own.
INLINED int64_t planeOf(int64_t values) { return values + 80; }
// Where the panel begins which a column is in, of a matrix of so many rows; and where the column is in a row of it.
INLINED int64_t widthOf(int64_t columns, int64_t panel) {
  return columns - panel < panelWidth ? columns - panel : panelWidth;
}
INLINED int64_t placeOf(int64_t rows, int64_t columns, int64_t row, int64_t column) {
  const int64_t panel = column - column % panelWidth;
  return panel * rows + row * widthOf(columns, panel) + column - panel;
}

// Bᵀ along an axis of 4; Aᵀ and A between 4 and 2; G and Gᵀ between 3 and 4.
INLINED void inputAxis(const Floats d[4], Floats v[4]) {
  v[0] = d[0] - d[2];
  v[1] = d[1] + d[2];
  v[2] = d[2] - d[1];
  v[3] = d[1] - d[3];
}
INLINED void outputAxis(const Floats m[4], Floats y[2]) {
  y[0] = m[0] + m[1] + m[2];
  y[1] = m[1] - m[2] - m[3];
}
INLINED void gradientAxis(const Floats y[2], Floats m[4]) {
  m[0] = y[0];
  m[1] = y[0] + y[1];
  m[2] = y[0] - y[1];
  m[3] = -y[1];
}
INLINED void kernelAxis(const Floats g[3], Floats u[4]) {
  const Floats ends = g[0] + g[2];
  u[0] = g[0];
  u[1] = (ends + g[1]) * 0.5f;
  u[2] = (ends - g[1]) * 0.5f;
  u[3] = g[2];
}
INLINED void kernelGradientAxis(const Doubles u[4], Doubles g[3]) {
  g[0] = u[0] + (u[1] + u[2]) * 0.5;
  g[1] = (u[1] - u[2]) * 0.5;
  g[2] = (u[1] + u[2]) * 0.5 + u[3];
}

// Along both axes of a square of `from`² values, columns first.
template <int from, int to, typename Vector, typename Axis>
INLINED void alongBoth(const Vector* values, Vector* results, const Axis& axis) {
  Vector half[to * from];
  for (int column = 0; column < from; column++) {
    Vector in[from], out[to];
    for (int row = 0; row < from; row++) in[row] = values[row * from + column];
    axis(in, out);
    for (int row = 0; row < to; row++) half[row * from + column] = out[row];
  }
  for (int row = 0; row < to; row++) axis(half + row * from, results + row * to);
}

// The first of the 2 × 2 places of a tile, of images of h × w.
struct Corner {
  int64_t image, top, left;
};
INLINED Corner cornerOf(int64_t tile, int64_t h, int64_t w) {
  const int64_t down = (h + 1) / 2, across = (w + 1) / 2;
  return {tile / (down * across), tile / across % down * 2, tile % across * 2};
}

// U of input channels [from, to): kernel [3, 3, c, k] → [16] of [c, k] in panels; `turned`: of the kernel turned by 180° and
// with the channels changed over, [16] of [k, c], of its rows [from, to).
void winogradKernel(const float* kernel, int64_t c, int64_t k, bool turned, int64_t from, int64_t to, float* u) {
  const int64_t rows = turned ? k : c, columns = turned ? c : k;
  for (int64_t row = from; row < to; row++)
    for (int64_t column = 0; column < columns; column += perVector) {
      Floats g[9], transformed[16];
      for (int at = 0; at < 9; at++) {
        if (!turned) {
          g[at] = load<Floats>(kernel + (at * c + row) * k + column);
          continue;
        }
        float values[perVector];
        for (int64_t lane = 0; lane < perVector; lane++)
          values[lane] = kernel[((8 - at) * c + column + lane) * k + row];
        g[at] = load<Floats>(values);
      }
      alongBoth<3, 4>(g, transformed, kernelAxis);
      float* place = u + placeOf(rows, columns, row, column);
      for (int xi = 0; xi < 16; xi++) store(place + xi * rows * columns, transformed[xi]);
    }
}

// V of tiles [first, first + count): x [n, h, w, c] → [16] of [room, c].
void winogradInput(const float* x, int64_t h, int64_t w, int64_t c, int64_t first, int64_t count, int64_t room,
                   float* v) {
  for (int64_t tile = first; tile < first + count; tile++) {
    const Corner corner = cornerOf(tile, h, w);
    const int64_t image = corner.image, top = corner.top - 1, left = corner.left - 1;
    const float* from = x + ((image * h + top) * w + left) * c;
    float* to = v + (tile - first) * c;
    const bool inside = top >= 0 && left >= 0 && top + 4 <= h && left + 4 <= w;
    for (int64_t channel = 0; channel < c; channel += perVector) {
      Floats d[16], transformed[16];
      for (int64_t row = 0; row < 4; row++)
        for (int64_t column = 0; column < 4; column++) {
          const bool there = inside || (top + row >= 0 && top + row < h && left + column >= 0 && left + column < w);
          d[row * 4 + column] = there ? load<Floats>(from + (row * w + column) * c + channel) : Floats{};
        }
      alongBoth<4, 4>(d, transformed, inputAxis);
      for (int xi = 0; xi < 16; xi++) store(to + xi * planeOf(room * c) + channel, transformed[xi]);
    }
  }
}

// Y of tiles [first, first + count), with `bias` [k] where there is one: [16] of [room, k] in panels → y [n, h, w, k].
void winogradOutput(const float* m, const float* bias, int64_t h, int64_t w, int64_t k, int64_t first, int64_t count,
                    int64_t room, float* y) {
  for (int64_t tile = first; tile < first + count; tile++) {
    const auto [image, top, left] = cornerOf(tile, h, w);
    float* to = y + ((image * h + top) * w + left) * k;
    for (int64_t channel = 0; channel < k; channel += perVector) {
      const float* from = m + placeOf(room, k, tile - first, channel);
      Floats values[16], results[4];
      for (int xi = 0; xi < 16; xi++) values[xi] = load<Floats>(from + xi * planeOf(room * k));
      alongBoth<4, 2>(values, results, outputAxis);
      const Floats added = bias == nullptr ? Floats{} : load<Floats>(bias + channel);
      for (int64_t row = 0; row < 2; row++)
        for (int64_t column = 0; column < 2; column++)
          if (top + row < h && left + column < w)
            store(to + (row * w + column) * k + channel, results[row * 2 + column] + added);
    }
  }
}

// A·dY·Aᵀ of tiles [first, first + count): dy [n, h, w, k] → [16] of [room, k] in panels.
void winogradGradient(const float* dy, int64_t h, int64_t w, int64_t k, int64_t first, int64_t count, int64_t room,
                      float* m) {
  for (int64_t tile = first; tile < first + count; tile++) {
    const auto [image, top, left] = cornerOf(tile, h, w);
    const float* from = dy + ((image * h + top) * w + left) * k;
    for (int64_t channel = 0; channel < k; channel += perVector) {
      Floats values[4], transformed[16];
      for (int64_t row = 0; row < 2; row++)
        for (int64_t column = 0; column < 2; column++)
          values[row * 2 + column] = top + row < h && left + column < w
                                         ? load<Floats>(from + (row * w + column) * k + channel)
                                         : Floats{};
      alongBoth<2, 4>(values, transformed, gradientAxis);
      float* to = m + placeOf(room, k, tile - first, channel);
      for (int xi = 0; xi < 16; xi++) store(to + xi * planeOf(room * k), transformed[xi]);
    }
  }
}

// Rows at once: as many sums as registers hold, beside what is multiplied. Rooms and channels are multiples of 8.
constexpr int rowsAtOnce = VECTOR_BYTES == 64 ? 8 : 4;

// Calls body(xi, panel, its vectors as Fixed) for each panel of k columns of each of 16 matrices.
template <typename Body>
INLINED void forEachPanel(int64_t k, const Body& body) {
  for (int64_t xi = 0; xi < 16; xi++)
    for (int64_t panel = 0; panel < k; panel += panelWidth) switch (widthOf(k, panel) / perVector) {
#if VECTOR_BYTES == 64
        case 3: body(xi, panel, Fixed<3>{}); break;
#endif
        case 2: body(xi, panel, Fixed<2>{}); break;
        default: body(xi, panel, Fixed<1>{});
      }
}

// M = V·U for each of 16: [room, c], [c, k] in panels → [room, k] in panels, of the first `tiles` rows, and some more.
void winogradProducts(const float* v, const float* u, int64_t tiles, int64_t room, int64_t c, int64_t k, float* m) {
  forEachPanel(k, [=](int64_t xi, int64_t panel, auto fixed) {
    constexpr int vectors = decltype(fixed)::value;
    constexpr int64_t width = vectors * perVector;
    const float *left = v + xi * planeOf(room * c), *right = u + xi * c * k + panel * c;
    float* out = m + xi * planeOf(room * k) + panel * room;
    for (int64_t tile = 0; tile < tiles; tile += rowsAtOnce)
      product<rowsAtOnce, vectors, false>(left + tile * c, c, 1, right, width, c, out + tile * width, width);
  });
}

// dU += Vᵀ·M for each of 16: [room, c], [room, k] in panels → [c, k] in panels, over the first `tiles` rows.
void winogradSums(const float* v, const float* m, int64_t tiles, int64_t room, int64_t c, int64_t k, float* du) {
  forEachPanel(k, [=](int64_t xi, int64_t panel, auto fixed) {
    constexpr int vectors = decltype(fixed)::value;
    constexpr int64_t width = vectors * perVector;
    const float *left = v + xi * planeOf(room * c), *right = m + xi * planeOf(room * k) + panel * room;
    float* out = du + xi * c * k + panel * c;
    for (int64_t channel = 0; channel < c; channel += rowsAtOnce)
      product<rowsAtOnce, vectors, true>(left + channel, 1, c, right, width, tiles, out + channel * width, width);
  });
}

// Gᵀ·dU·G of input channels [from, to), dU the sum of `parts`: [16] of [c, k] in panels each → dkernel [3, 3, c, k].
void winogradKernelGradient(const float* const* parts, int64_t count, int64_t c, int64_t k, int64_t from, int64_t to,
                            float* dkernel) {
  for (int64_t row = from; row < to; row++)
    for (int64_t column = 0; column < k; column += perVector) {
      const int64_t place = placeOf(c, k, row, column);
      Doubles u[2][16];
      for (int64_t xi = 0; xi < 16; xi++) {
        Doubles sums[2] = {};
        for (int64_t part = 0; part < count; part++) addHalves(sums, load<Floats>(parts[part] + xi * c * k + place));
        u[0][xi] = sums[0];
        u[1][xi] = sums[1];
      }
      for (int half = 0; half < 2; half++) {
        Doubles g[9];
        alongBoth<4, 3>(u[half], g, kernelGradientAxis);
        for (int at = 0; at < 9; at++)
          for (int64_t lane = 0; lane < perHalf; lane++)
            dkernel[(at * c + row) * k + column + half * perHalf + lane] = static_cast<float>(g[at][lane]);
      }
    }
}
