// Layer norm and RMS norm, each way in one pass over memory: src/nn/ops/normalization.ts has the formulas.
#include <algorithm>

#include "operation.h"
#include "threads.h"

#define LOOPS "layer-norm-loops.h"
#include "levels.h"

namespace ledger {
namespace {

// Rows whose dγ and dβ are added in float32; the sums of blocks are added in float64, in their order.
constexpr int64_t blockRows = 32;

Shape rowsOf(const Values<float>& x) { return {x.rows()}; }

void forward(Call& call, bool centred) {
  const Values<float> x = call.input(0), gamma = call.input(1);
  const int64_t c = x.channels(), rows = x.rows();
  const float* beta = nullptr;
  call.require(!x.shape.empty() && gamma.size() == c, "gamma has not a value for each channel");
  if (centred) {
    const Values<float> shift = call.input(2);
    call.require(shift.size() == c, "beta has not a value for each channel");
    beta = shift.data;
  }
  float* y = call.output(0, x.shape);
  float* means = centred ? call.output(1, rowsOf(x)) : nullptr;
  float* scales = call.output(centred ? 2 : 1, rowsOf(x));
  const double epsilon = call.attribute(0);
  const auto loop = centred ? LEDGER_PICK(layerNorm) : LEDGER_PICK(rmsNorm);
  inBlocks((rows + blockRows - 1) / blockRows, x.size(), [&](int64_t block) {
    const int64_t from = block * blockRows, at = from * c;
    loop(x.data + at, gamma.data, beta, std::min(blockRows, rows - from), c, epsilon, y + at,
         centred ? means + from : nullptr, scales + from);
  });
}

void backward(Call& call, bool centred) {
  const Values<float> dy = call.input(0), x = call.input(1), gamma = call.input(2);
  const float* means = centred ? call.input(3).data : nullptr;
  const Values<float> scales = call.input(centred ? 4 : 3);
  const int64_t c = x.channels(), rows = x.rows();
  call.require(!x.shape.empty() && dy.size() == x.size() && gamma.size() == c && scales.size() == rows,
               "the inputs are not of one normalisation");
  float* dx = call.output(0, x.shape);
  float* dGamma = call.output(1, {c});
  float* dBeta = centred ? call.output(2, {c}) : nullptr;
  const int64_t blocks = (rows + blockRows - 1) / blockRows;
  const int64_t width = centred ? 2 * c : c;
  std::vector<float> parts(blocks * width);
  const auto loop = centred ? LEDGER_PICK(layerNormGradient) : LEDGER_PICK(rmsNormGradient);
  inBlocks(blocks, 2 * x.size(), [&](int64_t block) {
    const int64_t from = block * blockRows, at = from * c;
    float* part = parts.data() + block * width;
    loop(dy.data + at, x.data + at, gamma.data, centred ? means + from : nullptr, scales.data + from,
         std::min(blockRows, rows - from), c, dx + at, part, centred ? part + c : nullptr);
  });
  std::vector<double> sums(width);
  for (int64_t block = 0; block < blocks; block++)
    for (int64_t i = 0; i < width; i++) sums[i] += parts[block * width + i];
  for (int64_t i = 0; i < c; i++) dGamma[i] = static_cast<float>(sums[i]);
  if (centred)
    for (int64_t i = 0; i < c; i++) dBeta[i] = static_cast<float>(sums[c + i]);
}

void likeFirst(TF_ShapeInferenceContext* context, TF_Status* status) { shapeOfInput(context, 0, 0, status); }

void gradientShapes(TF_ShapeInferenceContext* context, TF_Status* status) {
  shapeOfInput(context, 1, 0, status);
  if (TF_GetCode(status) == TF_OK) shapeOfInput(context, 2, 1, status);
}

void centredGradientShapes(TF_ShapeInferenceContext* context, TF_Status* status) {
  gradientShapes(context, status);
  if (TF_GetCode(status) == TF_OK) shapeOfInput(context, 2, 2, status);
}

// x [..., c], γ and β [c] → y like x, mean and 1/√(variance + ε) of each row [rows]
const Operation layerNorm{"LedgerLayerNorm",
                          {"x: float", "gamma: float", "beta: float"},
                          {"y: float", "mean: float", "scale: float"},
                          {"epsilon: float"},
                          likeFirst,
                          [](Call& call) { forward(call, true); }};
// … → dx like x, dγ and dβ [c]
const Operation layerNormGradient{"LedgerLayerNormGradient",
                                  {"dy: float", "x: float", "gamma: float", "mean: float", "scale: float"},
                                  {"dx: float", "d_gamma: float", "d_beta: float"},
                                  {},
                                  centredGradientShapes,
                                  [](Call& call) { backward(call, true); }};
// x [..., c], γ [c] → y like x, 1/√(mean square + ε) of each row [rows]
const Operation rmsNorm{"LedgerRmsNorm",     {"x: float", "gamma: float"},
                        {"y: float", "scale: float"}, {"epsilon: float"},
                        likeFirst,           [](Call& call) { forward(call, false); }};
// … → dx like x, dγ [c]
const Operation rmsNormGradient{"LedgerRmsNormGradient",
                                {"dy: float", "x: float", "gamma: float", "scale: float"},
                                {"dx: float", "d_gamma: float"},
                                {},
                                gradientShapes,
                                [](Call& call) { backward(call, false); }};

const Registered<layerNorm> registeredLayerNorm;
const Registered<layerNormGradient> registeredLayerNormGradient;
const Registered<rmsNorm> registeredRmsNorm;
const Registered<rmsNormGradient> registeredRmsNormGradient;

}  // namespace
}  // namespace ledger
