// Sums of the gradients of chunks in float64, where they lie: JavaScript takes four times as long to add as to read. TensorFlow.js
// has no float64, so a sum goes through it as the two int32 that its bytes are.
#include <algorithm>

#include "operation.h"
#include "threads.h"

#define LOOPS "accumulate-loops.h"
#include "levels.h"

namespace ledger {
namespace {

constexpr int64_t blockLength = 32 * 1024;

// Some of the values of one gradient.
struct Piece {
  const float* values;
  int64_t count;
  // Where they go among all.
  int64_t at;
};

void compute(Call& call) {
  const Values<int32_t> sums = call.integers(0);
  std::vector<Piece> pieces;
  int64_t total = 0;
  for (int i = 1; i < call.inputs(); i++) {
    const Values<float> gradient = call.input(i);
    for (int64_t from = 0; from < gradient.size(); from += blockLength)
      pieces.push_back({gradient.data + from, std::min(blockLength, gradient.size() - from), total + from});
    total += gradient.size();
  }
  call.require(sums.size() == 2 * total, "there is not a sum for each value");
  int32_t* next = call.integerOutput(0, sums.shape);
  const auto addValues = LEDGER_PICK(addValues);
  inBlocks(static_cast<int64_t>(pieces.size()), 3 * total, [&](int64_t block) {
    const Piece& piece = pieces[block];
    addValues(sums.data + 2 * piece.at, piece.values, piece.count, next + 2 * piece.at);
  });
}

void shapes(TF_ShapeInferenceContext* context, TF_Status* status) { shapeOfInput(context, 0, 0, status); }

// sums [2·parameters], a gradient of each variable → sums with these added, in the order of the variables
const Operation accumulate{"LedgerAccumulate", {"sums: int32", "gradients: N * float"}, {"next: int32"},
                           {"N: int >= 1"},    shapes,                                  compute};
const Registered<accumulate> registered;

}  // namespace
}  // namespace ledger
