// The mean and the (biased) variance of each channel.
#pragma once

#include "operation.h"

namespace ledger {

struct Moments {
  std::vector<double> mean;
  std::vector<double> variance;
};

// Of x [..., c], which must have values.
Moments momentsOf(const Values<float>& x);

// Rows of c channels that are added together, by shape alone: the order of sums is the same on any number of threads.
int64_t rowsOfBlock(int64_t c);

}  // namespace ledger
