// Work on several cores.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace ledger {

// Calls body(0) … body(blocks − 1), each once, in any order and on up to as many threads as TensorFlow has for one operation
// (TF_NUM_INTRAOP_THREADS), and returns when all are done. Which blocks there are must not depend on the number of threads:
// then neither does the result. `values` is how many values are read or written altogether; little work stays on this thread.
// A body throws nothing. Several threads may call at once.
void inBlocks(int64_t blocks, int64_t values, const std::function<void(int64_t)>& body);

// Room for so many values that this thread has for one use as long as it lives, from the beginning of a line of the cache on:
// values as they happen to lie there. `Use` is any type, one for each use.
template <typename Use>
float* heldRoom(int64_t values) {
  static thread_local std::vector<float> held;
  constexpr int64_t line = 64, perLine = line / sizeof(float);
  if (static_cast<int64_t>(held.size()) < values + perLine) held.resize(values + perLine);
  const auto beyond = reinterpret_cast<uintptr_t>(held.data()) % line;
  return held.data() + (line - beyond) % line / sizeof(float);
}

}  // namespace ledger
