// The largest of each 2×2 window, windows side by side, with ReLU behind it or without, and the gradient: each one pass over memory, with a byte a window for
// where the largest was.
#include <algorithm>
#include <cstring>

#include "operation.h"
#include "threads.h"

#define LOOPS "max-pool-loops.h"
#include "levels.h"

namespace ledger {
namespace {

// [n, h, w, c], and the rows of windows of all images, some of which are a block.
struct Windows {
  int64_t n, h, w, c, rows, width;

  explicit Windows(const Shape& shape)
      : n(shape[0]), h(shape[1]), w(shape[2]), c(shape[3]), rows(shape[1] / 2), width(shape[2] / 2) {}

  int64_t count() const { return n * rows * width * c; }

  // Calls body(image, row, number of the row among all).
  template <typename Body>
  void overRows(const Body& body) const {
    const int64_t all = n * rows, each = std::max<int64_t>(1, 16384 / std::max<int64_t>(1, w * c));
    inBlocks((all + each - 1) / each, n * h * w * c, [&](int64_t block) {
      for (int64_t row = block * each; row < std::min(all, (block + 1) * each); row++)
        body(row / rows, row % rows, row);
    });
  }
};

void pool(Call& call) {
  const Values<float> x = call.input(0);
  call.require(x.shape.size() == 4, "images have four axes");
  const Windows windows(x.shape);
  float* y = call.output(0, {windows.n, windows.rows, windows.width, windows.c});
  uint8_t* places = reinterpret_cast<uint8_t*>(call.integerOutput(1, {(windows.count() + 3) / 4}));
  const bool relu = call.attribute(0) != 0;
  const auto poolRow = LEDGER_PICK(poolRow);
  const int64_t line = windows.w * windows.c, out = windows.width * windows.c;
  windows.overRows([&](int64_t image, int64_t row, int64_t number) {
    const float* top = x.data + (image * windows.h + 2 * row) * line;
    poolRow(top, top + line, windows.width, windows.c, relu, y + number * out, places + number * out);
  });
}

void gradient(Call& call) {
  const Values<float> dy = call.input(0), x = call.input(2);
  const Values<int32_t> places = call.integers(1);
  call.require(x.shape.size() == 4, "images have four axes");
  const Windows windows(x.shape);
  call.require(dy.size() == windows.count() && places.size() == (windows.count() + 3) / 4,
               "dy and places are of other windows");
  float* dx = call.output(0, x.shape);
  const uint8_t* at = reinterpret_cast<const uint8_t*>(places.data);
  const auto spreadRow = LEDGER_PICK(spreadRow);
  const int64_t line = windows.w * windows.c, out = windows.width * windows.c;
  windows.overRows([&](int64_t image, int64_t row, int64_t number) {
    float* top = dx + (image * windows.h + 2 * row) * line;
    spreadRow(dy.data + number * out, at + number * out, windows.width, windows.c, top, top + line);
    // What fills no window.
    for (float* of : {top, top + line}) std::fill(of + 2 * out, of + line, 0.0f);
    if (row + 1 == windows.rows) std::fill(top + 2 * line, dx + (image + 1) * windows.h * line, 0.0f);
  });
  if (windows.rows == 0) std::fill(dx, dx + x.size(), 0.0f);
}

void poolShapes(TF_ShapeInferenceContext* context, TF_Status* status) {
  TF_ShapeInferenceContextSetUnknownShape(context, status);
  TF_ShapeHandle* x = TF_NewShapeHandle();
  TF_DimensionHandle* dimension = TF_NewDimensionHandle();
  int64_t sizes[2] = {-1, -1};
  TF_ShapeInferenceContextGetInput(context, 0, x, status);
  if (TF_GetCode(status) == TF_OK && TF_ShapeInferenceContextRankKnown(context, x))
    for (int axis = 0; axis < 2; axis++) {
      TF_ShapeInferenceContextDim(context, x, axis + 1, dimension);
      if (TF_DimensionHandleValueKnown(dimension)) sizes[axis] = TF_DimensionHandleValue(dimension);
    }
  TF_DeleteDimensionHandle(dimension);
  TF_DeleteShapeHandle(x);
  if (TF_GetCode(status) == TF_OK && sizes[0] >= 0 && sizes[1] >= 0)
    Axes(context, status).add(0, 0, 1).addSize(sizes[0] / 2).addSize(sizes[1] / 2).add(0, 3, 4).setOutput(0);
}

void gradientShapes(TF_ShapeInferenceContext* context, TF_Status* status) { shapeOfInput(context, 2, 0, status); }

// x [n, h, w, c] → y [n, ⌊h/2⌋, ⌊w/2⌋, c], a byte for each of y, four to an int32
const Operation maxPool{
    "LedgerMaxPool", {"x: float"}, {"y: float", "places: int32"}, {"relu: bool"}, poolShapes, pool};
const Registered<maxPool> registeredMaxPool;

// dy, places, x, whose shape dx has
const Operation maxPoolGradient{
    "LedgerMaxPoolGradient", {"dy: float", "places: int32", "x: float"}, {"dx: float"}, {}, gradientShapes, gradient};
const Registered<maxPoolGradient> registeredMaxPoolGradient;

}  // namespace
}  // namespace ledger
