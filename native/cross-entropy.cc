// Softmax cross-entropy and its derivative, with the digits that either has where the network is sure of the label.
#include <algorithm>
#include <cmath>

#include "operation.h"
#include "threads.h"

#define LOOPS "cross-entropy-loops.h"
#include "levels.h"

namespace ledger {
namespace {

void compute(Call& call) {
  const Values<float> logits = call.input(0);
  const Values<int32_t> labels = call.integers(1);
  const int64_t classes = logits.channels(), rows = logits.rows();
  call.require(logits.shape.size() == 2 && labels.size() == rows, "there is not a label for each row of logits");
  requireLabels(labels, classes);
  float* losses = call.output(0, {rows});
  float* derivatives = call.output(1, logits.shape);
  const int64_t length = std::max<int64_t>(1, 4096 / classes);
  const auto loop = LEDGER_PICK(crossEntropy);
  inBlocks((rows + length - 1) / length, 4 * logits.size(), [&](int64_t block) {
    const int64_t from = block * length, at = from * classes;
    loop(logits.data + at, labels.data + from, std::min(length, rows - from), classes, losses + from,
         derivatives + at);
  });
}

void shapes(TF_ShapeInferenceContext* context, TF_Status* status) {
  shapeOfInput(context, 1, 0, status);
  if (TF_GetCode(status) == TF_OK) shapeOfInput(context, 0, 1, status);
}

// logits [n, classes], labels [n] → loss [n], derivative [n, classes]
const Operation crossEntropy{"LedgerCrossEntropy", {"logits: float", "labels: int32"},
                             {"loss: float", "derivative: float"}, {}, shapes, compute};
const Registered<crossEntropy> registered;

}  // namespace
}  // namespace ledger
