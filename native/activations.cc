// Activations and their gradients in one pass over memory each: src/nn/ops/elementwise.ts has the formulas.
#include <algorithm>

#include "operation.h"
#include "threads.h"

#define LOOPS "activations-loops.h"
#include "levels.h"

namespace ledger {
namespace {

constexpr int64_t blockLength = 8192;

template <typename Body>
void elementwise(int64_t values, const Body& body) {
  // Some 20 instructions a value, where a sum takes one.
  inBlocks((values + blockLength - 1) / blockLength, 4 * values, [&](int64_t block) {
    const int64_t from = block * blockLength;
    body(from, std::min(blockLength, values - from));
  });
}

using Value = void (*)(const float*, float*, int64_t);
using Gradient = void (*)(const float*, const float*, float*, int64_t);

template <typename Pick>
void value(Call& call, Pick pick) {
  const Values<float> x = call.input(0);
  float* y = call.output(0, x.shape);
  const Value loop = pick();
  elementwise(x.size(), [&](int64_t from, int64_t count) { loop(x.data + from, y + from, count); });
}

template <typename Pick>
void gradient(Call& call, Pick pick) {
  const Values<float> dy = call.input(0), x = call.input(1);
  call.require(dy.size() == x.size(), "dy and x have not the same size");
  float* dx = call.output(0, x.shape);
  const Gradient loop = pick();
  elementwise(x.size(), [&](int64_t from, int64_t count) { loop(dy.data + from, x.data + from, dx + from, count); });
}

void asFirst(TF_ShapeInferenceContext* context, TF_Status* status) { shapeOfInput(context, 0, 0, status); }
void asSecond(TF_ShapeInferenceContext* context, TF_Status* status) { shapeOfInput(context, 1, 0, status); }

const Operation gelu{
    "LedgerGelu", {"x: float"}, {"y: float"}, {}, asFirst,
    [](Call& call) { value(call, [] { return LEDGER_PICK(gelu); }); }};
const Operation silu{
    "LedgerSilu", {"x: float"}, {"y: float"}, {}, asFirst,
    [](Call& call) { value(call, [] { return LEDGER_PICK(silu); }); }};
const Operation geluGradient{
    "LedgerGeluGradient", {"dy: float", "x: float"}, {"dx: float"}, {}, asSecond,
    [](Call& call) { gradient(call, [] { return LEDGER_PICK(geluGradient); }); }};
const Operation siluGradient{
    "LedgerSiluGradient", {"dy: float", "x: float"}, {"dx: float"}, {}, asSecond,
    [](Call& call) { gradient(call, [] { return LEDGER_PICK(siluGradient); }); }};
const Operation tanhGradient{
    "LedgerTanhGradient", {"dy: float", "x: float"}, {"dx: float"}, {}, asSecond,
    [](Call& call) { gradient(call, [] { return LEDGER_PICK(tanhGradient); }); }};

const Registered<gelu> registeredGelu;
const Registered<silu> registeredSilu;
const Registered<geluGradient> registeredGeluGradient;
const Registered<siluGradient> registeredSiluGradient;
const Registered<tanhGradient> registeredTanhGradient;

}  // namespace
}  // namespace ledger
