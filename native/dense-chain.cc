// Networks of nothing but dense layers, with ReLU behind some, and the cross-entropy of what they give, in one pass over the
// examples: layer by layer
//
//     y_l = y_{l−1}·W_l + b_l, or max(y_{l−1}·W_l + b_l, 0), y_0 = x;  z the last y;  ℓ = −log softmax(z)[label]
//     dz = softmax(z) − onehot(label);  dy_{l−1} = dy_l·W_lᵀ, and 0 where max has made y_{l−1} 0
//     dW_l = Σ y_{l−1}ᵀ·dy_l, db_l = Σ dy_l
//
// A block of examples stays in fast memory from its images to its part of the gradient: as a kernel a layer, everything between
// two layers, and the images twice, would go through slow memory, which takes as long as the products. Sums over examples are made
// of parts, in float32 of a thousand examples or so, in float64 from there on; how many depends on the shapes alone.
#include <algorithm>
#include <cstring>

#include "operation.h"
#include "threads.h"

namespace ledger {

// Rows of whole vectors, which begin an odd number of lines apart: so rows one below the other do not share sets of the cache.
struct DenseLayer {
  int64_t in, out, columns, below;
  // W [in, below], with zeros behind `out`; Wᵀ [out, `below` of the layer before], where it is wanted; b [below].
  const float *kernel, *turned, *bias;
};

}  // namespace ledger

#define LOOPS "dense-chain-loops.h"
#include "levels.h"

namespace ledger {
namespace {

// Examples of a block: a multiple of the rows that products take at once (dense-chain-loops.h).
constexpr int64_t blockRows = 96;
// As many as an attribute has bits for, which JavaScript hands over as a number.
constexpr int mostLayers = 50;
// Of the parts that a sum is made of: examples, at least, and values in all, at most.
constexpr int64_t rowsOfPart = 2 * blockRows, mostParts = 32, mostValues = 16 * 1024 * 1024;

int64_t wholeLines(int64_t values) { return (values + 15) / 16 * 16; }
int64_t oddLines(int64_t values) { return wholeLines(values) + (wholeLines(values) / 16 % 2 == 1 ? 0 : 16); }
int64_t blocksOf(int64_t count, int64_t size) { return (count + size - 1) / size; }

struct Chain {
  std::vector<DenseLayer> layers;
  int64_t examples, inputs, classes;
  // A bit for each layer that has ReLU behind it.
  int64_t relu;
  const float* x;
  const int32_t* labels;

  bool isRectified(size_t layer) const { return (relu >> layer & 1) != 0; }

  // Inputs are x, labels, and kernel and bias of each layer. Gradients want the kernels turned, too.
  Chain(Call& call, bool wantsGradients) {
    const Values<float> images = call.input(0);
    const Values<int32_t> given = call.integers(1);
    const int variables = call.inputs() - 2;
    relu = static_cast<int64_t>(call.attribute(1));
    call.require(!images.shape.empty() && variables >= 2 && variables % 2 == 0, "a layer has a kernel and a bias");
    call.require(variables <= 2 * mostLayers, "there are more layers than an attribute has bits for");
    examples = images.shape[0];
    call.require(given.size() == examples, "there is not a label for each example");
    x = images.data;
    labels = given.data;
    inputs = 1;
    for (size_t axis = 1; axis < images.shape.size(); axis++) inputs *= images.shape[axis];
    int64_t values = 0;
    std::vector<const float*> kernels, biases;
    for (int v = 0; v < variables; v += 2) {
      const Values<float> kernel = call.input(2 + v), bias = call.input(3 + v);
      const int64_t in = layers.empty() ? inputs : layers.back().out;
      call.require(kernel.shape.size() == 2 && kernel.shape[0] == in, "a kernel has not a row for each of its inputs");
      const int64_t out = kernel.shape[1];
      call.require(out > 0 && bias.size() == out, "a bias has not a value for each column of its kernel");
      layers.push_back({in, out, wholeLines(out), oddLines(out), nullptr, nullptr, nullptr});
      kernels.push_back(kernel.data);
      biases.push_back(bias.data);
      values += in * layers.back().below + layers.back().below;
      if (wantsGradients && v > 0) values += out * layers[layers.size() - 2].below;
    }
    classes = layers.back().out;
    requireLabels(given, classes);
    float* at = heldRoom<Chain>(values);
    const auto taken = [&](int64_t count) {
      at += count;
      return at - count;
    };
    for (size_t l = 0; l < layers.size(); l++) {
      DenseLayer& layer = layers[l];
      float* const bias = taken(layer.below);
      std::fill(std::copy(biases[l], biases[l] + layer.out, bias), bias + layer.below, 0.0f);
      layer.bias = bias;
      float* const kernel = taken(layer.in * layer.below);
      for (int64_t i = 0; i < layer.in; i++) {
        float* const row = kernel + i * layer.below;
        const float* const from = kernels[l] + i * layer.out;
        std::fill(std::copy(from, from + layer.out, row), row + layer.below, 0.0f);
      }
      layer.kernel = kernel;
      if (!wantsGradients || l == 0) continue;
      const int64_t below = layers[l - 1].below;
      float* const turned = taken(layer.out * below);
      for (int64_t j = 0; j < layer.out; j++) {
        float* const row = turned + j * below;
        for (int64_t i = 0; i < layer.in; i++) row[i] = kernels[l][i * layer.out + j];
        std::fill(row + layer.in, row + below, 0.0f);
      }
      layer.turned = turned;
    }
  }
};

// What a part of the examples adds up: [in, below] and [below] of each layer.
struct Sums {
  std::vector<float*> kernels, biases;

  static int64_t values(const Chain& chain) {
    int64_t all = 0;
    for (const DenseLayer& layer : chain.layers) all += (layer.in + 1) * layer.below;
    return all;
  }
  Sums(const Chain& chain, float* at) {
    for (const DenseLayer& layer : chain.layers) {
      kernels.push_back(at);
      biases.push_back(at + layer.in * layer.below);
      at += (layer.in + 1) * layer.below;
    }
  }
};

// Examples [from, to): losses [examples], logits [examples, classes], and what they add to the sums, where there are any.
void block(const Chain& chain, int64_t from, int64_t to, float* losses, float* logits, const Sums* sums) {
  const auto& layers = chain.layers;
  const size_t count = layers.size();
  const int64_t rows = to - from, classes = chain.classes;
  int64_t values = blockRows * classes;
  for (const DenseLayer& layer : layers) values += 2 * blockRows * layer.below;
  float* at = heldRoom<struct Between>(values);
  std::vector<const float*> inputs{chain.x + from * chain.inputs};
  std::vector<int64_t> between{chain.inputs};
  std::vector<float*> slopes;
  for (size_t l = 0; l < count; l++) {
    LEDGER_PICK(denseForward)(inputs[l], between[l], layers[l], rows, chain.isRectified(l), at);
    inputs.push_back(at);
    between.push_back(layers[l].below);
    slopes.push_back(at + blockRows * layers[l].below);
    at += 2 * blockRows * layers[l].below;
  }
  const DenseLayer& last = layers.back();
  float* const z = logits + from * classes;
  for (int64_t row = 0; row < rows; row++)
    std::memcpy(z + row * classes, inputs[count] + row * last.below, classes * sizeof(float));
  float* const derivatives = at;
  LEDGER_PICK(crossEntropy)(z, chain.labels + from, rows, classes, losses + from, derivatives);
  if (sums == nullptr) return;
  for (int64_t row = 0; row < rows; row++) {
    float* const dz = slopes[count - 1] + row * last.below;
    std::copy(derivatives + row * classes, derivatives + (row + 1) * classes, dz);
    std::fill(dz + classes, dz + last.columns, 0.0f);
  }
  for (size_t l = count; l-- > 0;) {
    LEDGER_PICK(denseKernelGradient)
    (inputs[l], between[l], slopes[l], layers[l], rows, sums->kernels[l], sums->biases[l]);
    if (l == 0) continue;
    LEDGER_PICK(denseInputGradient)(slopes[l], layers[l], layers[l - 1], rows, slopes[l - 1]);
    if (chain.isRectified(l - 1)) LEDGER_PICK(maskByRelu)(inputs[l], layers[l - 1], rows, slopes[l - 1]);
  }
}

// What one example takes, in values as inBlocks counts them.
int64_t workOf(const Chain& chain) {
  int64_t products = 0;
  for (const DenseLayer& layer : chain.layers) products += layer.in * layer.columns;
  return products / 4;
}

void computeValues(Call& call) {
  const Chain chain(call, false);
  float* losses = call.output(0, {chain.examples});
  float* logits = call.output(1, {chain.examples, chain.classes});
  inBlocks(blocksOf(chain.examples, blockRows), chain.examples * workOf(chain), [&](int64_t at) {
    block(chain, at * blockRows, std::min(chain.examples, (at + 1) * blockRows), losses, logits, nullptr);
  });
}

void computeGradients(Call& call) {
  const Chain chain(call, true);
  const auto& layers = chain.layers;
  float* losses = call.output(0, {chain.examples});
  float* logits = call.output(1, {chain.examples, chain.classes});
  const int64_t values = Sums::values(chain);
  const int64_t parts = std::max<int64_t>(
      1, std::min({blocksOf(chain.examples, rowsOfPart), mostParts, std::max<int64_t>(4, mostValues / values)}));
  // Parts are of whole blocks.
  const int64_t blocks = blocksOf(chain.examples, blockRows);
  float* const sums = heldRoom<Sums>(parts * values);
  inBlocks(parts, chain.examples * workOf(chain), [&](int64_t part) {
    float* const own = sums + part * values;
    std::fill(own, own + values, 0.0f);
    const Sums to(chain, own);
    for (int64_t at = blocks * part / parts; at < blocks * (part + 1) / parts; at++)
      block(chain, at * blockRows, std::min(chain.examples, (at + 1) * blockRows), losses, logits, &to);
  });
  struct Rows {
    const float* first;
    int64_t count, out, below;
    float* to;
  };
  std::vector<Rows> rows;
  const Sums first(chain, sums);
  for (size_t l = 0; l < layers.size(); l++) {
    const auto& [in, out, columns, below, kernel, turned, bias] = layers[l];
    float* const dKernel = call.output(2 + 2 * l, {in, out});
    constexpr int64_t step = 32;
    for (int64_t i = 0; i < in; i += step)
      rows.push_back({first.kernels[l] + i * below, std::min(step, in - i), out, below, dKernel + i * out});
    rows.push_back({first.biases[l], 1, out, below, call.output(3 + 2 * l, {out})});
  }
  inBlocks(static_cast<int64_t>(rows.size()), parts * values, [&](int64_t at) {
    const auto& [from, count, out, below, to] = rows[at];
    for (int64_t i = 0; i < count; i++)
      LEDGER_PICK(sumOfParts)(from + i * below, parts, values, out, to + i * out);
  });
}

void shapes(TF_ShapeInferenceContext* context, TF_Status* status) { shapeOfInput(context, 1, 0, status); }

// x [n, …], labels [n], kernel [in, out] and bias [out] of each layer → losses [n], logits [n, classes]
const Operation valuesOperation{"LedgerDenseChain",
                                {"x: float", "labels: int32", "variables: N * float"},
                                {"losses: float", "logits: float"},
                                {"N: int >= 2", "relu: int"},
                                shapes,
                                computeValues};
const Registered<valuesOperation> registeredValues;

// and Σ dℓ/dvariable, in the order of the variables.
const Operation gradientsOperation{"LedgerDenseChainGradients",
                                   {"x: float", "labels: int32", "variables: N * float"},
                                   {"losses: float", "logits: float", "gradients: N * float"},
                                   {"N: int >= 2", "relu: int"},
                                   shapes,
                                   computeGradients};
const Registered<gradientsOperation> registeredGradients;

}  // namespace
}  // namespace ledger
