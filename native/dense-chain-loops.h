// Included by dense-chain.cc, once a level (levels.h), which has the formulas and what a layer is.
#include "matrix-products.h"

// Rows at once of so many vectors: as many sums as registers hold beside what is multiplied.
constexpr int rowsBeside(int vectors) {
  return VECTOR_BYTES < 64 ? (vectors == 2 ? 6 : 12) : vectors == 4 ? 6 : vectors == 3 ? 8 : 12;
}

// Rows of b that are multiplied at once: four vectors of so many are what the fastest memory holds beside a.
constexpr int64_t mostDepth = 112;

// One side of a product: where it begins, and how far it is to the next row and, of a, to the next column.
struct Left {
  const float* values;
  int64_t row, column;
};
struct Right {
  const float* values;
  int64_t row;
};

template <int vectors>
static void addTiles(const Left& a, const Right& b, int64_t depth, float* out, int64_t below, int64_t rows) {
  constexpr int most = rowsBeside(vectors);
  int64_t i = 0;
  const auto tile = [&](auto fixed) {
    constexpr int count = decltype(fixed)::value;
    for (; i + count <= rows; i += count)
      product<count, vectors, true>(a.values + i * a.row, a.row, a.column, b.values, b.row, depth, out + i * below,
                                    below);
  };
  tile(Fixed<most>{});
  tile(Fixed<4>{});
  tile(Fixed<1>{});
}

// out += a·b: [rows, depth]·[depth, columns] → [rows, columns], columns a multiple of 16.
static void addProduct(const Left& a, const Right& b, int64_t depth, float* out, int64_t below, int64_t rows,
                       int64_t columns) {
  const int64_t times = (depth + mostDepth - 1) / mostDepth;
  for (int64_t t = 0; t < times; t++) {
    const int64_t from = depth * t / times, count = depth * (t + 1) / times - from;
    const Left left{a.values + from * a.column, a.row, a.column};
    for (int64_t column = 0; column < columns;) {
      const int64_t vectors = (columns - column) / perVector;
      const Right right{b.values + from * b.row + column, b.row};
      float* const to = out + column;
#if VECTOR_BYTES == 64
      // No vector is left alone where it can have company: five are three and two, six twice three.
      const int64_t taken = vectors <= 4 ? vectors : vectors == 5 || vectors == 6 || vectors == 9 ? 3 : 4;
#else
      const int64_t taken = vectors < 2 ? vectors : 2;
#endif
      switch (taken) {
#if VECTOR_BYTES == 64
        case 4: addTiles<4>(left, right, count, to, below, rows); break;
        case 3: addTiles<3>(left, right, count, to, below, rows); break;
#endif
        case 2: addTiles<2>(left, right, count, to, below, rows); break;
        default: addTiles<1>(left, right, count, to, below, rows);
      }
      column += taken * perVector;
    }
  }
}

// y = max(y, 0), of whole rows.
INLINED void rectify(float* y, int64_t values) {
  for (int64_t i = 0; i < values; i += perVector) {
    const Floats v = load<Floats>(y + i);
    store(y + i, v < 0.0f ? Floats{} : v);
  }
}

// y = x·W + b, and max(y, 0) where `relu`: [rows, in] → [rows, below], of which all behind `columns` stays as it is.
void denseForward(const float* x, int64_t xRow, const DenseLayer& layer, int64_t rows, bool relu, float* y) {
  for (int64_t row = 0; row < rows; row++)
    for (int64_t j = 0; j < layer.columns; j += perVector)
      store(y + row * layer.below + j, load<Floats>(layer.bias + j));
  addProduct({x, xRow, 1}, {layer.kernel, layer.below}, layer.in, y, layer.below, rows, layer.columns);
  if (!relu) return;
  for (int64_t row = 0; row < rows; row++) rectify(y + row * layer.below, layer.columns);
}

// dW += xᵀ·dy and db += Σ dy.
void denseKernelGradient(const float* x, int64_t xRow, const float* dy, const DenseLayer& layer, int64_t rows,
                         float* dKernel, float* dBias) {
  addProduct({x, 1, xRow}, {dy, layer.below}, rows, dKernel, layer.below, layer.in, layer.columns);
  for (int64_t j = 0; j < layer.columns; j += perVector) {
    Floats sum = {};
    for (int64_t row = 0; row < rows; row++) sum += load<Floats>(dy + row * layer.below + j);
    store(dBias + j, load<Floats>(dBias + j) + sum);
  }
}

// dx = dy·Wᵀ: [rows, ·] of the layer before.
void denseInputGradient(const float* dy, const DenseLayer& layer, const DenseLayer& before, int64_t rows, float* dx) {
  for (int64_t row = 0; row < rows; row++)
    for (int64_t j = 0; j < before.columns; j += perVector) store(dx + row * before.below + j, Floats{});
  addProduct({dy, layer.below, 1}, {layer.turned, before.below}, layer.out, dx, before.below, rows, before.columns);
}

// dy where y, what ReLU gave, is > 0, else 0.
void maskByRelu(const float* y, const DenseLayer& layer, int64_t rows, float* dy) {
  for (int64_t row = 0; row < rows; row++)
    for (int64_t j = row * layer.below; j < row * layer.below + layer.columns; j += perVector)
      store(dy + j, load<Floats>(y + j) > 0.0f ? load<Floats>(dy + j) : Floats{});
}

// cross-entropy-loops.h
void crossEntropy(const float* z, const int32_t* labels, int64_t rows, int64_t classes, float* losses,
                  float* derivatives);

// Σ over parts, each `apart` values behind the last, in float64: [count].
void sumOfParts(const float* first, int64_t parts, int64_t apart, int64_t count, float* sums) {
  for (int64_t i = 0; i < count; i += perVector) {
    // Rows have room for whole vectors.
    Doubles sum[2] = {};
    for (int64_t part = 0; part < parts; part++) addHalves(sum, load<Floats>(first + part * apart + i));
    float values[perVector];
    for (int64_t lane = 0; lane < perVector; lane++)
      values[lane] = static_cast<float>(sum[lane / perHalf][lane % perHalf]);
    storeUpTo(sums + i, load<Floats>(values), count - i);
  }
}
