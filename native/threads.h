// Work on several cores.
#pragma once

#include <cstdint>
#include <functional>

namespace ledger {

// Calls body(0) … body(blocks − 1), each once, in any order and on up to as many threads as TensorFlow has for one operation
// (TF_NUM_INTRAOP_THREADS), and returns when all are done. Which blocks there are must not depend on the number of threads:
// then neither does the result. `values` is how many values are read or written altogether; little work stays on this thread.
// A body throws nothing. Several threads may call at once.
void inBlocks(int64_t blocks, int64_t values, const std::function<void(int64_t)>& body);

}  // namespace ledger
