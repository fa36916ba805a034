// Batch norm by the statistics of the batch, with ReLU behind it, a shortcut added before that, or neither, and its gradient: src/nn/ops/normalization.ts has the
// formulas. Each way takes two passes over memory, the first for sums in float64; what ReLU let through is worked out again, and
// not read.
#include <algorithm>
#include <cmath>

#include "moments.h"
#include "threads.h"

#define LOOPS "batch-norm-loops.h"
#include "levels.h"

namespace ledger {
namespace {

// γ/√(σ² + ε) by channel.
std::vector<float> slopesOf(const Values<float>& gamma, const float* scale) {
  std::vector<float> slopes(gamma.data, gamma.data + gamma.size());
  for (size_t channel = 0; channel < slopes.size(); channel++) slopes[channel] *= scale[channel];
  return slopes;
}

// Calls body(block, first row, rows, where they begin, values that may be read from there).
template <typename Body>
void forEachBlock(const Values<float>& x, int64_t values, const Body& body) {
  const int64_t c = x.channels(), rows = x.rows(), length = rowsOfBlock(c);
  inBlocks((rows + length - 1) / length, values, [&](int64_t block) {
    const int64_t from = block * length;
    body(block, std::min(length, rows - from), from * c, (rows - from) * c);
  });
}

enum class After { nothing, relu, addRelu };

void forward(Call& call, After after) {
  const Values<float> x = call.input(0), gamma = call.input(1), beta = call.input(2);
  const int64_t c = x.channels();
  call.require(!x.shape.empty() && x.size() > 0, "there are no values to have a mean");
  call.require(gamma.size() == c && beta.size() == c, "gamma and beta have not a value for each channel");
  const double epsilon = call.attribute(0);
  const Moments moments = momentsOf(x);
  float* y = call.output(0, x.shape);
  float* mean = call.output(1, {c});
  float* scale = call.output(2, {c});
  std::copy(moments.mean.begin(), moments.mean.end(), mean);
  for (int64_t channel = 0; channel < c; channel++)
    scale[channel] = static_cast<float>(1 / std::sqrt(moments.variance[channel] + epsilon));
  const std::vector<float> slopes = slopesOf(gamma, scale);
  if (after == After::addRelu) {
    const Values<float> shortcut = call.input(3);
    call.require(shortcut.size() == x.size(), "the shortcut has not the size of x");
    const auto loop = LEDGER_PICK(batchNormAddRelu);
    return forEachBlock(x, 3 * x.size(), [&](int64_t, int64_t rows, int64_t at, int64_t readable) {
      loop(x.data + at, shortcut.data + at, rows, c, readable, mean, slopes.data(), beta.data, y + at);
    });
  }
  const auto loop = after == After::relu ? LEDGER_PICK(batchNormRelu) : LEDGER_PICK(batchNorm);
  forEachBlock(x, 2 * x.size(), [&](int64_t, int64_t rows, int64_t at, int64_t readable) {
    loop(x.data + at, rows, c, readable, mean, slopes.data(), beta.data, y + at);
  });
}

void backward(Call& call, After after) {
  const Values<float> dy = call.input(0), x = call.input(1), gamma = call.input(2), beta = call.input(3);
  const Values<float> mean = call.input(4), scale = call.input(5);
  const int64_t c = x.channels(), length = rowsOfBlock(c), blocks = (x.rows() + length - 1) / length;
  call.require(!x.shape.empty() && dy.size() == x.size() && gamma.size() == c && beta.size() == c &&
                   mean.size() == c && scale.size() == c,
               "the inputs are not of one normalisation");
  float* dx = call.output(0, x.shape);
  float* dGamma = call.output(1, {c});
  float* dBeta = call.output(2, {c});
  const std::vector<float> slopes = slopesOf(gamma, scale.data);

  std::vector<double> parts(2 * c * blocks);
  // What the normalisation gets: of addRelu an output of its own.
  const float* dz = dy.data;
  if (after == After::addRelu) {
    const Values<float> y = call.input(6);
    call.require(y.size() == x.size(), "the inputs are not of one normalisation");
    float* let = call.output(3, x.shape);
    const auto sumUp = LEDGER_PICK(batchNormAddReluSums);
    forEachBlock(x, 4 * x.size(), [&](int64_t block, int64_t rows, int64_t at, int64_t readable) {
      double* sums = parts.data() + 2 * c * block;
      sumUp(dy.data + at, y.data + at, x.data + at, rows, c, readable, mean.data, let + at, sums, sums + c);
    });
    dz = let;
  } else {
    const auto sumUp = after == After::relu ? LEDGER_PICK(batchNormReluSums) : LEDGER_PICK(batchNormSums);
    forEachBlock(x, 2 * x.size(), [&](int64_t block, int64_t rows, int64_t at, int64_t readable) {
      double* sums = parts.data() + 2 * c * block;
      sumUp(dy.data + at, x.data + at, rows, c, readable, mean.data, slopes.data(), beta.data, sums, sums + c);
    });
  }
  std::vector<float> first(c), second(c);
  for (int64_t channel = 0; channel < c; channel++) {
    double sum = 0, along = 0;
    for (int64_t block = 0; block < blocks; block++) {
      sum += parts[2 * c * block + channel];
      along += parts[2 * c * block + c + channel];
    }
    along *= scale.data[channel];
    dBeta[channel] = static_cast<float>(sum);
    dGamma[channel] = static_cast<float>(along);
    first[channel] = static_cast<float>(sum / x.rows());
    second[channel] = static_cast<float>(along * scale.data[channel] / x.rows());
  }
  const auto loop = after == After::relu ? LEDGER_PICK(batchNormReluGradient) : LEDGER_PICK(batchNormGradient);
  forEachBlock(x, 3 * x.size(), [&](int64_t, int64_t rows, int64_t at, int64_t readable) {
    loop(dz + at, x.data + at, rows, c, readable, mean.data, slopes.data(), beta.data, first.data(), second.data(),
         dx + at);
  });
}

void forwardShapes(TF_ShapeInferenceContext* context, TF_Status* status) {
  shapeOfInput(context, 0, 0, status);
  for (int output = 1; output < 3 && TF_GetCode(status) == TF_OK; output++) shapeOfInput(context, 1, output, status);
}

void backwardShapes(TF_ShapeInferenceContext* context, TF_Status* status) {
  shapeOfInput(context, 1, 0, status);
  for (int output = 1; output < 3 && TF_GetCode(status) == TF_OK; output++) shapeOfInput(context, 2, output, status);
}

// x [..., c], γ and β [c] → y like x, the mean and 1/√(variance + ε) of each channel [c]
Operation normalization(const char* name, void (*compute)(Call&)) {
  return {name,           {"x: float", "gamma: float", "beta: float"}, {"y: float", "mean: float", "scale: float"},
          {"epsilon: float"}, forwardShapes,                           compute};
}

// … → dx like x, dγ and dβ [c]
Operation gradient(const char* name, void (*compute)(Call&)) {
  return {name,
          {"dy: float", "x: float", "gamma: float", "beta: float", "mean: float", "scale: float"},
          {"dx: float", "d_gamma: float", "d_beta: float"},
          {},
          backwardShapes,
          compute};
}

const Operation batchNorm = normalization("LedgerBatchNorm", [](Call& call) { forward(call, After::nothing); });
const Operation batchNormRelu = normalization("LedgerBatchNormRelu", [](Call& call) { forward(call, After::relu); });
const Operation batchNormGradient = gradient("LedgerBatchNormGradient", [](Call& call) { backward(call, After::nothing); });
const Operation batchNormReluGradient =
    gradient("LedgerBatchNormReluGradient", [](Call& call) { backward(call, After::relu); });

void withShortcutShapes(TF_ShapeInferenceContext* context, TF_Status* status) {
  backwardShapes(context, status);
  if (TF_GetCode(status) == TF_OK) shapeOfInput(context, 1, 3, status);
}

// As LedgerBatchNormRelu, with a shortcut [..., c] added before ReLU
const Operation batchNormAddRelu{"LedgerBatchNormAddRelu",
                                 {"x: float", "gamma: float", "beta: float", "shortcut: float"},
                                 {"y: float", "mean: float", "scale: float"},
                                 {"epsilon: float"},
                                 forwardShapes,
                                 [](Call& call) { forward(call, After::addRelu); }};
// … → dx like x, dγ and dβ [c], and the shortcut's gradient like x
const Operation batchNormAddReluGradient{
    "LedgerBatchNormAddReluGradient",
    {"dy: float", "x: float", "gamma: float", "beta: float", "mean: float", "scale: float", "y: float"},
    {"dx: float", "d_gamma: float", "d_beta: float", "d_shortcut: float"},
    {},
    withShortcutShapes,
    [](Call& call) { backward(call, After::addRelu); }};

const Registered<batchNorm> registeredBatchNorm;
const Registered<batchNormAddRelu> registeredBatchNormAddRelu;
const Registered<batchNormAddReluGradient> registeredBatchNormAddReluGradient;
const Registered<batchNormRelu> registeredBatchNormRelu;
const Registered<batchNormGradient> registeredBatchNormGradient;
const Registered<batchNormReluGradient> registeredBatchNormReluGradient;

}  // namespace
}  // namespace ledger
