// Sums of the gradients of chunks in float64, where they lie: JavaScript takes four times as long to add as to read. TensorFlow.js
// has no float64, so a sum goes through it as the two int32 that its bytes are. While a gradient is in fast memory, also what it has
// along directions.
#include <algorithm>
#include <cstring>

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
  // Where they go among all, and which gradient's they are.
  int64_t at;
  int64_t variable;
};

void compute(Call& call) {
  const Values<int32_t> sums = call.integers(0);
  const int64_t count = static_cast<int64_t>(call.attribute(0));
  std::vector<Values<int32_t>> directions;
  for (int64_t d = 0; d < count; d++) directions.push_back(call.integers(1 + d));
  std::vector<Piece> pieces;
  const int64_t variables = call.inputs() - 1 - count;
  int64_t total = 0;
  for (int64_t v = 0; v < variables; v++) {
    const Values<float> gradient = call.input(1 + count + v);
    for (int64_t from = 0; from < gradient.size(); from += blockLength)
      pieces.push_back({gradient.data + from, std::min(blockLength, gradient.size() - from), total + from, v});
    total += gradient.size();
  }
  const bool isFirst = sums.size() == 0;
  call.require(isFirst || sums.size() == 2 * total, "there is not a sum for each value");
  for (const Values<int32_t>& direction : directions)
    call.require(direction.size() == 2 * total, "a direction has not a value for each of the gradients'");
  int32_t* next = call.integerOutput(0, {2 * total});
  std::vector<double> parts(pieces.size() * count);
  const auto widen = LEDGER_PICK(widen);
  const auto addValues = LEDGER_PICK(addValues);
  const auto slopeAlong = LEDGER_PICK(slopeAlong);
  inBlocks(static_cast<int64_t>(pieces.size()), (3 + count) * total, [&](int64_t block) {
    const Piece& piece = pieces[block];
    if (isFirst)
      widen(piece.values, piece.count, next + 2 * piece.at);
    else
      addValues(sums.data + 2 * piece.at, piece.values, piece.count, next + 2 * piece.at);
    for (int64_t d = 0; d < count; d++)
      parts[block * count + d] = slopeAlong(directions[d].data + 2 * piece.at, piece.values, piece.count);
  });
  std::vector<double> slopes(variables * count);
  for (size_t block = 0; block < pieces.size(); block++)
    for (int64_t d = 0; d < count; d++) slopes[pieces[block].variable * count + d] += parts[block * count + d];
  int32_t* found = call.integerOutput(1, {2 * variables * count});
  if (!slopes.empty()) std::memcpy(found, slopes.data(), slopes.size() * sizeof(double));
}

void shapes(TF_ShapeInferenceContext* context, TF_Status* status) {
  TF_ShapeInferenceContextSetUnknownShape(context, status);
}

// sums [parameters] or none, directions [parameters], a gradient of each variable → sums with these added, in the order of the
// variables, and Σ gradient · direction over each variable [variables, directions]
const Operation accumulate{"LedgerAddGradients",
                           {"sums: int32", "directions: D * int32", "gradients: N * float"},
                           {"next: int32", "slopes: int32"},
                           {"D: int >= 0", "N: int >= 1"},
                           shapes,
                           compute};
const Registered<accumulate> registered;

}  // namespace
}  // namespace ledger
