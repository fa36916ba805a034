// Attention over short sequences: all of one example and head at a time, or of one example where it is tiny, without a transpose in memory (src/nn/ops/attention.ts
// has the formulas).
#include <algorithm>

#include "operation.h"
#include "threads.h"

#define LOOPS "attention-loops.h"
#include "levels.h"

namespace ledger {
namespace {

struct Sizes {
  int64_t examples, length, width, heads, c;

  // Whether few-places-loops.h is the faster way: measured, up to six places of heads that are whole vectors wide.
  bool few() const { return length <= 6 && c % 16 == 0; }

  // Floats of scratch memory for one example and head; where places are few, for all heads.
  int64_t scratch() const {
    if (few()) return (2 * length + 1) * ((length * heads + 15) / 16 * 16);
    const int64_t padded = (c + 15) / 16 * 16, paddedLength = (length + 15) / 16 * 16;
    return baseline::rowsTaken * length * padded + baseline::turnedTaken * c * paddedLength +
           baseline::scoresTaken * length * paddedLength;
  }
};

Sizes sizesOf(Call& call, const Values<float>& q, int64_t heads) {
  call.require(q.shape.size() == 3, "q is not [n, length, heads·c]");
  call.require(heads > 0 && q.shape[2] % heads == 0, "the heads do not divide the width");
  return {q.shape[0], q.shape[1], q.shape[2], heads, q.shape[2] / heads};
}

// Calls body(example, scratch) for all of them, some at a time.
template <typename Body>
void forEachExample(const Sizes& s, int64_t values, const Body& body) {
  const int64_t together = std::max<int64_t>(1, 4096 / std::max<int64_t>(1, s.length * s.width));
  inBlocks((s.examples + together - 1) / together, values, [&](int64_t block) {
    std::vector<float> scratch(s.scratch());
    for (int64_t n = block * together; n < std::min(s.examples, (block + 1) * together); n++)
      body(n, scratch.data());
  });
}

void forward(Call& call) {
  const Values<float> q = call.input(0), k = call.input(1), v = call.input(2);
  const Sizes s = sizesOf(call, q, static_cast<int64_t>(call.attribute(0)));
  call.require(k.shape == q.shape && v.shape == q.shape, "q, k and v have not the same shape");
  const bool causal = call.attribute(1) != 0;
  float* y = call.output(0, q.shape);
  float* weights = call.output(1, {s.examples, s.heads, s.length, s.length});
  const auto attend = LEDGER_PICK(attend);
  const auto attendFew = LEDGER_PICK(attendFew);
  forEachExample(s, q.size() * (4 + s.length), [&](int64_t n, float* scratch) {
    const int64_t at = n * s.length * s.width;
    float* own = weights + n * s.heads * s.length * s.length;
    if (s.few())
      return attendFew(q.data + at, k.data + at, v.data + at, s.length, s.heads, s.c, causal, scratch, y + at, own);
    for (int64_t head = 0; head < s.heads; head++) {
      const int64_t from = at + head * s.c;
      attend(q.data + from, k.data + from, v.data + from, s.length, s.c, s.width, causal, scratch, y + from,
             own + head * s.length * s.length);
    }
  });
}

void backward(Call& call) {
  const Values<float> dy = call.input(0), q = call.input(1), k = call.input(2), v = call.input(3);
  const Values<float> weights = call.input(4);
  call.require(weights.shape.size() == 4, "the weights are not [n, heads, length, length]");
  const Sizes s = sizesOf(call, q, weights.shape[1]);
  call.require(dy.size() == q.size() && k.shape == q.shape && v.shape == q.shape &&
                   weights.size() == s.examples * s.heads * s.length * s.length,
               "the inputs are not of one attention");
  float* dq = call.output(0, q.shape);
  float* dk = call.output(1, q.shape);
  float* dv = call.output(2, q.shape);
  const auto attendGradient = LEDGER_PICK(attendGradient);
  const auto attendFewGradient = LEDGER_PICK(attendFewGradient);
  forEachExample(s, q.size() * (8 + 2 * s.length), [&](int64_t n, float* scratch) {
    const int64_t at = n * s.length * s.width;
    const float* own = weights.data + n * s.heads * s.length * s.length;
    if (s.few())
      return attendFewGradient(dy.data + at, q.data + at, k.data + at, v.data + at, own, s.length, s.heads, s.c,
                               scratch, dq + at, dk + at, dv + at);
    for (int64_t head = 0; head < s.heads; head++) {
      const int64_t from = at + head * s.c;
      attendGradient(dy.data + from, q.data + from, k.data + from, v.data + from,
                     own + head * s.length * s.length, s.length, s.c, s.width, scratch, dq + from, dk + from,
                     dv + from);
    }
  });
}

void forwardShapes(TF_ShapeInferenceContext* context, TF_Status* status) { shapeOfInput(context, 0, 0, status); }

void backwardShapes(TF_ShapeInferenceContext* context, TF_Status* status) {
  for (int output = 0; output < 3 && TF_GetCode(status) == TF_OK; output++)
    shapeOfInput(context, 1, output, status);
}

// q, k, v [n, length, heads·c] → y like them, weights [n, heads, length, length]
const Operation attention{"LedgerAttention",
                          {"q: float", "k: float", "v: float"},
                          {"y: float", "weights: float"},
                          {"heads: int", "causal: bool"},
                          forwardShapes,
                          forward};
// dy and what attention had and gave → dq, dk, dv
const Operation attentionGradient{"LedgerAttentionGradient",
                                  {"dy: float", "q: float", "k: float", "v: float", "weights: float"},
                                  {"dq: float", "dk: float", "dv: float"},
                                  {},
                                  backwardShapes,
                                  backward};

const Registered<attention> registeredAttention;
const Registered<attentionGradient> registeredAttentionGradient;

}  // namespace
}  // namespace ledger
