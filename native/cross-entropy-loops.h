// Included by cross-entropy.cc, once a level (levels.h).
#include "vectors.h"

// Of each row ℓ = −log softmax(z)[label] and p − onehot(label), p = softmax(z). With q = Σ p over the other classes the derivative
// at the label is −q, and where q is small ℓ = −log(1 − q): p − 1 and log Σe^z − z would be all rounding there.
void crossEntropy(const float* z, const int32_t* labels, int64_t rows, int64_t classes, float* losses,
                  float* derivatives) {
  for (int64_t row = 0; row < rows; row++, z += classes, derivatives += classes) {
    const int64_t label = labels[row];
    // To the end of these rows more may be read than a row has.
    const int64_t readable = (rows - row) * classes;
    Floats most = all(z[label]);
    for (int64_t i = 0; i < classes; i += perVector) {
      const Floats values = loadOf(z + i, classes - i, readable - i);
      const Integers higher = (values > most) & (lanes() < static_cast<int32_t>(classes - i));
      most = higher ? values : most;
    }
    const float largest = largestOf(most);
    Doubles sums = {};
    for (int64_t i = 0; i < classes; i += perVector) {
      const int64_t left = classes - i;
      Floats e = firstOnly(exponential(loadOf(z + i, left, readable - i) - largest), left);
      storeUpTo(derivatives + i, e, left);
      addTo(sums, lanes() == static_cast<int32_t>(label - i) ? Floats{} : e);
    }
    const double others = total(sums), own = derivatives[label];
    const double q = others / (others + own);
    const float share = static_cast<float>(1 / (others + own));
    for (int64_t i = 0; i < classes; i += perVector) {
      const int64_t left = classes - i;
      storeUpTo(derivatives + i, loadOf(derivatives + i, left, readable - i) * share, left);
    }
    derivatives[label] = static_cast<float>(-q);
    losses[row] = static_cast<float>(q < 0.5 ? -__builtin_log1p(-q)
                                             : __builtin_log(others + own) -
                                                   (static_cast<double>(z[label]) - static_cast<double>(largest)));
  }
}
