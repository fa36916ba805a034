// Included by max-pool.cc, once a level (levels.h).
#include "vectors.h"

typedef uint8_t Bytes __attribute__((vector_size(VECTOR_BYTES / 4)));

// Calls take(at) for whole vectors of a place's c channels. What is left is in a vector that begins earlier: done twice, the same
// comes of it. False where c is less than a vector.
template <typename Take>
INLINED bool overVectors(int64_t c, const Take& take) {
  if (c < perVector) return false;
  int64_t at = 0;
  for (; at + perVector <= c; at += perVector) take(at);
  if (at < c) take(c - perVector);
  return true;
}

// Of two rows of x, [2·width, c] each, the largest of each window and which of the four it is, the first of equal ones: [width, c].
// With `relu` what is not above 0 is 0, and none of the four. NaN is larger than anything: nobody must overlook it.
void poolRow(const float* top, const float* bottom, int64_t width, int64_t c, bool relu, float* y, uint8_t* places) {
  for (int64_t j = 0; j < width; j++, top += 2 * c, bottom += 2 * c, y += c, places += c) {
    const float* const window[4] = {top, top + c, bottom, bottom + c};
    const bool done = overVectors(c, [&](int64_t at) {
      Floats most = load<Floats>(window[0] + at);
      Integers place = {};
      for (int32_t k = 1; k < 4; k++) {
        const Floats value = load<Floats>(window[k] + at);
        const Integers larger = (value > most) | (value != value);
        place = larger ? Integers{} + k : place;
        most = larger ? value : most;
      }
      if (relu) {
        place = most > 0 ? place : Integers{} + 4;
        most = most <= 0 ? Floats{} : most;
      }
      store(y + at, most);
      store(places + at, __builtin_convertvector(place, Bytes));
    });
    for (int64_t i = done ? c : 0; i < c; i++) {
      uint8_t place = 0;
      for (uint8_t k = 1; k < 4; k++)
        if (window[k][i] > window[place][i] || window[k][i] != window[k][i]) place = k;
      const float most = window[place][i];
      y[i] = relu && most <= 0 ? 0 : most;
      places[i] = relu && !(most > 0) ? 4 : place;
    }
  }
}

// dy at its place of each window, else 0.
void spreadRow(const float* dy, const uint8_t* places, int64_t width, int64_t c, float* top, float* bottom) {
  for (int64_t j = 0; j < width; j++, top += 2 * c, bottom += 2 * c, dy += c, places += c) {
    float* const window[4] = {top, top + c, bottom, bottom + c};
    const bool done = overVectors(c, [&](int64_t at) {
      const Floats value = load<Floats>(dy + at);
      const Integers place = __builtin_convertvector(load<Bytes>(places + at), Integers);
      for (int32_t k = 0; k < 4; k++) store(window[k] + at, place == k ? value : Floats{});
    });
    for (int64_t i = done ? c : 0; i < c; i++)
      for (uint8_t k = 0; k < 4; k++) window[k][i] = places[i] == k ? dy[i] : 0;
  }
}
