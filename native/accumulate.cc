// Sums of the gradients of chunks in float64, in JavaScript's own vectors: it takes four times as long to add as to read, and
// TensorFlow.js has no float64. Through its tensors sums would be copied there and back, 16 bytes a parameter and chunk. So the
// operation is told where the vectors lie; it runs at once, while whoever calls holds them. While a gradient is in fast memory,
// also what it has along directions.
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

// What the first input holds, as bytes: the weight, how many values each vector has, and where they begin.
struct Places {
  double weight;
  uint64_t count;
  double* sums;
  std::vector<const double*> directions;

  explicit Places(Call& call) {
    const Values<int32_t> given = call.integers(0);
    call.require(given.size() >= 6 && given.size() % 2 == 0, "it is not said where the sums are");
    std::vector<uint64_t> words(given.size() / 2);
    std::memcpy(words.data(), given.data, words.size() * sizeof words[0]);
    std::memcpy(&weight, &words[0], sizeof weight);
    count = words[1];
    sums = reinterpret_cast<double*>(words[2]);
    for (size_t d = 3; d < words.size(); d++) directions.push_back(reinterpret_cast<const double*>(words[d]));
  }
};

void compute(Call& call) {
  const Places places(call);
  const std::vector<const double*>& directions = places.directions;
  const int64_t count = static_cast<int64_t>(directions.size());
  std::vector<Piece> pieces;
  const int64_t variables = call.inputs() - 1;
  int64_t total = 0;
  for (int64_t v = 0; v < variables; v++) {
    const Values<float> gradient = call.input(1 + v);
    for (int64_t from = 0; from < gradient.size(); from += blockLength)
      pieces.push_back({gradient.data + from, std::min(blockLength, gradient.size() - from), total + from, v});
    total += gradient.size();
  }
  call.require(places.count == static_cast<uint64_t>(total), "there is not a sum for each value");
  std::vector<double> parts(pieces.size() * count);
  const auto addValues = LEDGER_PICK(addValues);
  const auto slopeAlong = LEDGER_PICK(slopeAlong);
  inBlocks(static_cast<int64_t>(pieces.size()), (5 + 2 * count) * total, [&](int64_t block) {
    const Piece& piece = pieces[block];
    addValues(places.weight, piece.values, piece.count, places.sums + piece.at);
    for (int64_t d = 0; d < count; d++)
      parts[block * count + d] = slopeAlong(directions[d] + piece.at, piece.values, piece.count);
  });
  std::vector<double> slopes(variables * count);
  for (size_t block = 0; block < pieces.size(); block++)
    for (int64_t d = 0; d < count; d++) slopes[pieces[block].variable * count + d] += parts[block * count + d];
  int32_t* found = call.integerOutput(0, {2 * variables * count});
  if (!slopes.empty()) std::memcpy(found, slopes.data(), slopes.size() * sizeof(double));
}

void shapes(TF_ShapeInferenceContext* context, TF_Status* status) {
  TF_ShapeInferenceContextSetUnknownShape(context, status);
}

// places, a gradient of each variable, in the order of the sums → Σ gradient · direction over each variable [variables,
// directions], float64 as two int32 a value
const Operation accumulate{"LedgerAddGradientsTo",  {"places: int32", "gradients: N * float"},
                           {"slopes: int32"},       {"N: int >= 1"},
                           shapes,                  compute};
const Registered<accumulate> registered;

}  // namespace
}  // namespace ledger
