// The gradient of a bias: the sum of each column. TensorFlow's own kernel adds a column's 10⁵ float32 values in a row, and the sum
// is good to three digits where the values are of either sign.
#include <algorithm>

#include "moments.h"
#include "threads.h"

#define LOOPS "column-sums-loops.h"
#include "levels.h"

namespace ledger {
namespace {

void compute(Call& call) {
  const Values<float> dy = call.input(0);
  call.require(!dy.shape.empty(), "dy has no columns");
  const int64_t c = dy.channels(), rows = dy.rows(), length = rowsOfBlock(std::max<int64_t>(1, c));
  float* sums = call.output(0, {c});
  const int64_t blocks = (rows + length - 1) / length;
  std::vector<double> parts(c * blocks);
  const auto columnSums = LEDGER_PICK(columnSums);
  inBlocks(blocks, dy.size(), [&](int64_t block) {
    const int64_t from = block * length;
    columnSums(dy.data + from * c, std::min(length, rows - from), c, (rows - from) * c, parts.data() + c * block);
  });
  for (int64_t column = 0; column < c; column++) {
    double sum = 0;
    for (int64_t block = 0; block < blocks; block++) sum += parts[c * block + column];
    sums[column] = static_cast<float>(sum);
  }
}

void shapes(TF_ShapeInferenceContext* context, TF_Status* status) { shapeOfChannels(context, 0, 0, status); }

// dy [..., c] → [c]
const Operation columnSums{"LedgerColumnSums", {"dy: float"}, {"sums: float"}, {}, shapes, compute};
const Registered<columnSums> registered;

}  // namespace
}  // namespace ledger
