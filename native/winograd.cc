// Convolutions by 3×3 kernels, stride 1, zeros beyond the border, with 16 products where there were 36: Winograd's F(2×2, 3×3)
// (Winograd, Arithmetic Complexity of Computations, 1980; Lavin and Gray, Fast Algorithms for Convolutional Neural Networks,
// CVPR 2016, §4.1). Of each square of 2×2 places of the output, a tile, and each pair of channels,
//
//     Y = Aᵀ·[ (G·g·Gᵀ) ⊙ (Bᵀ·d·B) ]·A
//
//     Bᵀ = ⎡1  0 −1  0⎤   G = ⎡1  0  0⎤   Aᵀ = ⎡1 1  1  0⎤
//          ⎢0  1  1  0⎥       ⎢½  ½  ½⎥        ⎣0 1 −1 −1⎦
//          ⎢0 −1  1  0⎥       ⎢½ −½  ½⎥
//          ⎣0  1  0 −1⎦       ⎣0  0  1⎦
//
// d the 4×4 places of the input that it sees, and ⊙, summed over input channels, for each of 16 places a product of matrices,
// V·U = M: [tiles, in]·[in, out]. The gradients are the adjoint of that, as exact as it is:
//
//     dg = Gᵀ·[ Σ over tiles (Bᵀ·d·B) ⊙ (A·dY·Aᵀ) ]·G
//
// and that of the input is the convolution of dY by the kernel turned by 180°, with its channels changed over. Factors are ±1
// and ½, so rounding is as that of the sum itself. Tiles are gone through in blocks whose matrices stay in the fast memory:
// nothing larger than the output is written. Sums over tiles are made of a few parts that depend on the shapes alone.
#include <algorithm>

#include "operation.h"
#include "threads.h"

#define LOOPS "winograd-loops.h"
#include "levels.h"

namespace ledger {
namespace {

// The values that the matrices of a block have, at most, but for the narrowest: with two thirds of a large second level of
// cache, and a panel of a product, the first holds what is read again and again.
constexpr int64_t blockValues = 512 * 1024, mostTiles = 96, tileStep = 8;
// The tiles of one of the parts that a sum over tiles is made of, at least, where there are more parts than the fewest: each
// takes room for 16·c·k values, and as many additions in the end.
constexpr int64_t tilesOfPart = 512, fewestParts = 4, mostParts = 8;
// Input channels whose kernels one thread transforms at once.
constexpr int64_t kernelRows = 8;

// How many tiles a block has.
int64_t roomFor(int64_t c, int64_t k) {
  return std::clamp(blockValues / (16 * (c + k)) / tileStep * tileStep, 2 * tileStep, mostTiles);
}

// V and M of a block, of this thread for as long as it lives.
struct Block {
  float *v, *m;

  Block(int64_t room, int64_t c, int64_t k) {
    const int64_t values = 16 * baseline::planeOf(room * c);
    v = heldRoom<Block>(values + 16 * baseline::planeOf(room * k));
    m = v + values;
  }
};

// The images that an output is of, [n, h, w, ·], as tiles.
struct Tiles {
  int64_t h, w, count;

  explicit Tiles(const Shape& shape)
      : h(shape[1]), w(shape[2]), count(shape[0] * ((h + 1) / 2) * ((w + 1) / 2)) {}
};

void requireKernel(const Call& call, const Values<float>& x, const Shape& kernel) {
  call.require(x.shape.size() == 4 && kernel.size() == 4, "images and kernels have four axes");
  call.require(kernel[0] == 3 && kernel[1] == 3, "the kernel is not 3 by 3");
  call.require(kernel[2] % 16 == 0 && kernel[3] % 16 == 0, "channels do not come in sixteens");
}

// y [n, h, w, k] of x [n, h, w, c]; `turned`: by the kernel turned, from k to c.
void convolve(const Values<float>& x, const Values<float>& kernel, bool turned, const float* bias, float* y) {
  const int64_t c = kernel.shape[turned ? 3 : 2], k = kernel.shape[turned ? 2 : 3];
  const Tiles tiles(x.shape);
  std::vector<float> u(16 * c * k);
  const auto transform = LEDGER_PICK(winogradKernel);
  inBlocks((c + kernelRows - 1) / kernelRows, 25 * c * k, [&](int64_t block) {
    const int64_t from = block * kernelRows;
    transform(kernel.data, kernel.shape[2], kernel.shape[3], turned, from, std::min(c, from + kernelRows), u.data());
  });
  const int64_t room = roomFor(c, k);
  const auto inputs = LEDGER_PICK(winogradInput);
  const auto products = LEDGER_PICK(winogradProducts);
  const auto outputs = LEDGER_PICK(winogradOutput);
  inBlocks((tiles.count + room - 1) / room, x.size() * k, [&](int64_t block) {
    const int64_t first = block * room, count = std::min(room, tiles.count - first);
    const auto [v, m] = Block(room, c, k);
    inputs(x.data, tiles.h, tiles.w, c, first, count, room, v);
    products(v, u.data(), count, room, c, k, m);
    outputs(m, bias, tiles.h, tiles.w, k, first, count, room, y);
  });
}

void forward(Call& call) {
  const Values<float> x = call.input(0), kernel = call.input(1);
  requireKernel(call, x, kernel.shape);
  call.require(x.channels() == kernel.shape[2], "the kernel is for another number of channels");
  const bool biased = call.inputs() > 2;
  const float* bias = nullptr;
  if (biased) {
    const Values<float> values = call.input(2);
    call.require(values.size() == kernel.shape[3], "bias has not a value for each channel");
    bias = values.data;
  }
  Shape shape = x.shape;
  shape[3] = kernel.shape[3];
  convolve(x, kernel, false, bias, call.output(0, shape));
}

void inputGradient(Call& call) {
  const Values<float> dy = call.input(0), kernel = call.input(1);
  requireKernel(call, dy, kernel.shape);
  call.require(dy.channels() == kernel.shape[3], "the kernel is for another number of channels");
  Shape shape = dy.shape;
  shape[3] = kernel.shape[2];
  convolve(dy, kernel, true, nullptr, call.output(0, shape));
}

void kernelGradient(Call& call) {
  const Values<float> x = call.input(0), dy = call.input(1);
  const int64_t c = x.channels(), k = dy.channels();
  const Shape shape = {3, 3, c, k};
  requireKernel(call, x, shape);
  call.require(dy.shape.size() == 4 && std::equal(dy.shape.begin(), dy.shape.end() - 1, x.shape.begin()),
               "x and dy are not of the same places");
  const Tiles tiles(x.shape);
  const int64_t room = roomFor(c, k), blocks = (tiles.count + room - 1) / room, size = 16 * c * k;
  const int64_t parts = std::min(blocks, std::clamp(tiles.count / tilesOfPart, fewestParts, mostParts));
  std::vector<float> sums(parts * size);
  std::vector<const float*> each;
  for (int64_t part = 0; part < parts; part++) each.push_back(sums.data() + part * size);
  const auto inputs = LEDGER_PICK(winogradInput);
  const auto gradients = LEDGER_PICK(winogradGradient);
  const auto add = LEDGER_PICK(winogradSums);
  inBlocks(parts, x.size() * k, [&](int64_t part) {
    const auto [v, m] = Block(room, c, k);
    for (int64_t block = part * blocks / parts; block < (part + 1) * blocks / parts; block++) {
      const int64_t first = block * room, count = std::min(room, tiles.count - first);
      inputs(x.data, tiles.h, tiles.w, c, first, count, room, v);
      gradients(dy.data, tiles.h, tiles.w, k, first, count, room, m);
      add(v, m, count, room, c, k, sums.data() + part * size);
    }
  });
  float* dkernel = call.output(0, shape);
  const auto transform = LEDGER_PICK(winogradKernelGradient);
  inBlocks((c + kernelRows - 1) / kernelRows, parts * size, [&](int64_t block) {
    const int64_t from = block * kernelRows;
    transform(each.data(), parts, c, k, from, std::min(c, from + kernelRows), dkernel);
  });
}

void outputShape(TF_ShapeInferenceContext* context, TF_Status* status) {
  Axes(context, status).add(0, 0, 3).add(1, 3, 4).setOutput();
}
void inputShape(TF_ShapeInferenceContext* context, TF_Status* status) {
  Axes(context, status).add(0, 0, 3).add(1, 2, 3).setOutput();
}
void kernelShape(TF_ShapeInferenceContext* context, TF_Status* status) {
  Axes(context, status).addSize(3).addSize(3).add(0, 3, 4).add(1, 3, 4).setOutput();
}

// x [n, h, w, c], kernel [3, 3, c, k], c and k multiples of 16 → [n, h, w, k]
const Operation convolution{
    "LedgerConvolution3", {"x: float", "kernel: float"}, {"y: float"}, {}, outputShape, forward};
const Operation convolutionBias{"LedgerConvolution3Bias", {"x: float", "kernel: float", "bias: float"}, {"y: float"},
                                {}, outputShape, forward};
// dy [n, h, w, k], kernel → [n, h, w, c]
const Operation convolutionInputGradient{
    "LedgerConvolution3InputGradient", {"dy: float", "kernel: float"}, {"dx: float"}, {}, inputShape, inputGradient};
// x, dy → [3, 3, c, k]
const Operation convolutionKernelGradient{"LedgerConvolution3KernelGradient",
                                          {"x: float", "dy: float"},
                                          {"dkernel: float"},
                                          {},
                                          kernelShape,
                                          kernelGradient};
const Registered<convolution> registeredConvolution;
const Registered<convolutionBias> registeredConvolutionBias;
const Registered<convolutionInputGradient> registeredInputGradient;
const Registered<convolutionKernelGradient> registeredKernelGradient;

}  // namespace
}  // namespace ledger
