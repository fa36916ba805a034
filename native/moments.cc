// The mean and the (biased) variance of each channel, to what float32 can say.
//
// One running sum of a channel's 10⁴ to 10⁶ float32 values, as TensorFlow's CPU kernels keep it, loses a digit or two: 1e-5 of
// the deviation, enough to put a unit on the other side of ReLU's kink. Here every sum is in float64, in one pass: of the
// distances from the channel's first value, so that σ² = Σ(x − m)²/N − (Σ(x − m)/N)² loses nothing where the mean lies far
// from 0 (Chan, Golub, LeVeque 1983, on shifted data).
#include "moments.h"

#include <algorithm>
#include <cmath>

#include "threads.h"

#define LOOPS "moments-loops.h"
#include "levels.h"

namespace ledger {

int64_t rowsOfBlock(int64_t c) { return std::max<int64_t>(64, 16384 / c); }

Moments momentsOf(const Values<float>& x) {
  const int64_t c = x.channels(), rows = x.rows();
  std::vector<float> around(x.data, x.data + c);
  for (float& value : around)
    if (!std::isfinite(value)) value = 0;
  const int64_t length = rowsOfBlock(c);
  const int64_t blocks = (rows + length - 1) / length;
  std::vector<double> parts(2 * c * blocks);
  const auto centredSums = LEDGER_PICK(centredSums);
  inBlocks(blocks, x.size(), [&](int64_t block) {
    const int64_t from = block * length;
    double* sums = parts.data() + 2 * c * block;
    centredSums(x.data + from * c, std::min(length, rows - from), c, (rows - from) * c, around.data(), sums,
                sums + c);
  });
  Moments moments{std::vector<double>(c), std::vector<double>(c)};
  for (int64_t channel = 0; channel < c; channel++) {
    double sum = 0, square = 0;
    for (int64_t block = 0; block < blocks; block++) {
      sum += parts[2 * c * block + channel];
      square += parts[2 * c * block + c + channel];
    }
    const double offset = sum / rows;
    const double spread = square / rows - offset * offset;
    moments.mean[channel] = around[channel] + offset;
    moments.variance[channel] = spread < 0 ? 0 : spread;
  }
  return moments;
}

namespace {

void compute(Call& call) {
  const Values<float> x = call.input(0);
  call.require(!x.shape.empty() && x.size() > 0, "there are no values to have a mean");
  const Moments moments = momentsOf(x);
  float* mean = call.output(0, {x.channels()});
  float* variance = call.output(1, {x.channels()});
  std::copy(moments.mean.begin(), moments.mean.end(), mean);
  std::copy(moments.variance.begin(), moments.variance.end(), variance);
}

void shapes(TF_ShapeInferenceContext* context, TF_Status* status) {
  shapeOfChannels(context, 0, 0, status);
  if (TF_GetCode(status) == TF_OK) shapeOfChannels(context, 0, 1, status);
}

// x [..., c] → mean [c], variance [c]
const Operation moments{"LedgerMoments", {"x: float"}, {"mean: float", "variance: float"}, {}, shapes, compute};
const Registered<moments> registered;

}  // namespace
}  // namespace ledger
