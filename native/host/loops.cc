// Loops over vectors that lie in JavaScript's memory, in place: what src/host-loops.ts does, statement by statement, and with the
// same bits, for every sum goes on in the same order and no product is fused with a sum (-ffp-contract=off). A library of its own
// beside the binding: TensorFlow has no part in it.
#include <node_api.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <map>
#include <vector>

#include "../threads.h"

namespace {

// Parameters [from, to).
struct Range {
  int64_t from;
  int64_t to;

  int64_t size() const { return to - from; }
};

// What a call was given. Of what is not as declared in src/host-loops.ts `ok` turns false; then nothing may be read or written.
class Arguments {
 public:
  Arguments(napi_env env, napi_callback_info info) : env_(env) {
    count_ = most;
    napi_get_cb_info(env, info, &count_, values_, nullptr, nullptr);
  }

  bool ok = true;

  template <typename T>
  T* vector(size_t index, size_t* length = nullptr) {
    napi_typedarray_type type{};
    size_t values = 0;
    void* data = nullptr;
    if (index >= count_ ||
        napi_get_typedarray_info(env_, values_[index], &type, &values, &data, nullptr, nullptr) != napi_ok ||
        type != typeOf(static_cast<T*>(nullptr))) {
      ok = false;
      return nullptr;
    }
    shortest_ = std::min(shortest_, values);
    if (length != nullptr) *length = values;
    return static_cast<T*>(data);
  }

  // As vector, but not one of those that run side by side.
  template <typename T>
  T* table(size_t index, size_t least, size_t* length = nullptr) {
    const size_t before = shortest_;
    size_t found = 0;
    T* data = vector<T>(index, &found);
    shortest_ = before;
    if (found < least) ok = false;
    if (length != nullptr) *length = found;
    return data;
  }

  double number(size_t index) {
    double value = 0;
    if (index >= count_ || napi_get_value_double(env_, values_[index], &value) != napi_ok) ok = false;
    return value;
  }

  // A property of an object.
  double number(size_t index, const char* name) {
    napi_value found;
    double value = 0;
    if (index >= count_ || napi_get_named_property(env_, values_[index], name, &found) != napi_ok ||
        napi_get_value_double(env_, found, &value) != napi_ok)
      ok = false;
    return value;
  }

  bool truth(size_t index, const char* name) {
    napi_value found;
    bool value = false;
    if (index >= count_ || napi_get_named_property(env_, values_[index], name, &found) != napi_ok ||
        napi_get_value_bool(env_, found, &value) != napi_ok)
      ok = false;
    return value;
  }

  bool truth(size_t index) {
    bool value = false;
    if (index >= count_ || napi_get_value_bool(env_, values_[index], &value) != napi_ok) ok = false;
    return value;
  }

  bool isOf(size_t index, napi_typedarray_type expected) {
    napi_typedarray_type type{};
    return index < count_ &&
           napi_get_typedarray_info(env_, values_[index], &type, nullptr, nullptr, nullptr, nullptr) == napi_ok &&
           type == expected;
  }

  // [n, 2], offset and size: each must lie in every vector that was asked for before.
  std::vector<Range> ranges(size_t index) {
    size_t length = 0;
    const double* given = table<double>(index, 0, &length);
    std::vector<Range> found;
    if (length % 2 != 0) ok = false;
    for (size_t r = 0; ok && r < length / 2; r++) {
      const double offset = given[2 * r], size = given[2 * r + 1], limit = static_cast<double>(shortest_);
      ok = offset >= 0 && size >= 0 && offset + size <= limit && offset == std::floor(offset) && size == std::floor(size);
      if (ok) found.push_back({static_cast<int64_t>(offset), static_cast<int64_t>(offset + size)});
    }
    return found;
  }

  size_t shortest() const { return shortest_; }
  size_t count() const { return count_; }

  napi_value refuse() {
    napi_throw_type_error(env_, nullptr, "a loop over vectors was given other arguments than it is declared with");
    return nullptr;
  }

 private:
  static napi_typedarray_type typeOf(const float*) { return napi_float32_array; }
  static napi_typedarray_type typeOf(const double*) { return napi_float64_array; }

  static constexpr size_t most = 10;
  napi_env env_;
  size_t count_;
  napi_value values_[most];
  size_t shortest_ = SIZE_MAX;
};

constexpr int64_t blockLength = 64 * 1024;

// One of the vectors of a linear combination: either kind of float.
struct Term {
  double weight;
  const float* floats;
  const double* doubles;

  double at(int64_t i) const { return weight * (floats != nullptr ? static_cast<double>(floats[i]) : doubles[i]); }
};

template <typename Into, typename X, typename Y>
void combinePair(Into* into, double a, const X* x, double b, const Y* y, int64_t from, int64_t to) {
  for (int64_t i = from; i < to; i++) into[i] = static_cast<Into>(a * x[i] + b * y[i]);
}

// Calls body(from, to) for blocks of so many values, side by side.
template <typename Body>
void overBlocks(int64_t length, int64_t vectors, const Body& body) {
  ledger::inBlocks((length + blockLength - 1) / blockLength, vectors * length, [&](int64_t block) {
    body(block * blockLength, std::min(length, (block + 1) * blockLength));
  });
}

// into, a, x, b, y[, c, z]
napi_value combine(napi_env env, napi_callback_info info) {
  Arguments given(env, info);
  float* floats = given.isOf(0, napi_float32_array) ? given.vector<float>(0) : nullptr;
  double* doubles = floats != nullptr ? nullptr : given.vector<double>(0);
  Term terms[3];
  const size_t count = (given.count() - 1) / 2;
  if (given.count() % 2 != 1 || count < 2 || count > 3) return given.refuse();
  for (size_t k = 0; k < count; k++) {
    const size_t at = 2 + 2 * k;
    const bool isFloat = given.isOf(at, napi_float32_array);
    terms[k].weight = given.number(at - 1);
    terms[k].floats = isFloat ? given.vector<float>(at) : nullptr;
    terms[k].doubles = isFloat ? nullptr : given.vector<double>(at);
  }
  if (!given.ok) return given.refuse();
  const int64_t length = static_cast<int64_t>(given.shortest());
  const bool pair = count == 2;
  overBlocks(length, static_cast<int64_t>(count) + 1, [&](int64_t from, int64_t to) {
    // Those that are asked for, as loops that become vectors.
    if (pair && doubles && terms[0].doubles && terms[1].doubles)
      return combinePair(doubles, terms[0].weight, terms[0].doubles, terms[1].weight, terms[1].doubles, from, to);
    if (pair && doubles && terms[0].doubles && terms[1].floats)
      return combinePair(doubles, terms[0].weight, terms[0].doubles, terms[1].weight, terms[1].floats, from, to);
    if (pair && doubles && terms[0].floats && terms[1].floats)
      return combinePair(doubles, terms[0].weight, terms[0].floats, terms[1].weight, terms[1].floats, from, to);
    if (pair && floats && terms[0].floats && terms[1].doubles)
      return combinePair(floats, terms[0].weight, terms[0].floats, terms[1].weight, terms[1].doubles, from, to);
    for (int64_t i = from; i < to; i++) {
      double sum = terms[0].at(i) + terms[1].at(i);
      if (!pair) sum += terms[2].at(i);
      if (floats != nullptr)
        floats[i] = static_cast<float>(sum);
      else
        doubles[i] = sum;
    }
  });
  return nullptr;
}

// lca, meanGradient, delta → Σ lca
napi_value allocate(napi_env env, napi_callback_info info) {
  Arguments given(env, info);
  float* lca = given.vector<float>(0);
  const double* mean = given.vector<double>(1);
  const double* delta = given.vector<double>(2);
  if (!given.ok) return given.refuse();
  const size_t length = given.shortest();
  double total = 0;
  for (size_t i = 0; i < length; i++) {
    lca[i] = static_cast<float>(mean[i] * delta[i] + 0.0);
    total += lca[i];
  }
  napi_value result;
  napi_create_double(env, total, &result);
  return result;
}

// Calls body(r) for each of the ranges, side by side: what is found of one depends on no other. `vectors` run through them.
template <typename Body>
void overRanges(const std::vector<Range>& ranges, int64_t vectors, const Body& body) {
  int64_t values = 0;
  for (const Range& range : ranges) values += range.size();
  ledger::inBlocks(static_cast<int64_t>(ranges.size()), vectors * values, body);
}

// Puts what `find` finds of each range, so many values, into `found`.
template <size_t each, typename Find>
napi_value findOf(Arguments& given, const std::vector<Range>& ranges, size_t foundAt, int64_t vectors, const Find& find) {
  double* found = given.table<double>(foundAt, each * ranges.size());
  if (!given.ok) return given.refuse();
  overRanges(ranges, vectors, [&](int64_t r) {
    double values[each];
    find(ranges[r], values);
    std::copy(values, values + each, found + r * each);
  });
  return nullptr;
}

// lca, delta, ranges, found [n, 6]
napi_value sums(napi_env env, napi_callback_info info) {
  Arguments given(env, info);
  const float* lca = given.vector<float>(0);
  const double* delta = given.vector<double>(1);
  return findOf<6>(given, given.ranges(2), 3, 3, [=](const Range& range, double* found) {
    double helping = 0, hurting = 0, squared = 0, moved = 0;
    int64_t helped = 0, hurt = 0;
    for (int64_t i = range.from; i < range.to; i++) {
      const double allocation = lca[i], magnitude = std::fabs(allocation), step = delta[i];
      helping += 0.5 * (allocation - magnitude);
      hurting += 0.5 * (allocation + magnitude);
      helped += allocation < 0;
      hurt += allocation > 0;
      squared += allocation * allocation;
      moved += step * step;
    }
    const double all[] = {helping, hurting, squared, moved, static_cast<double>(helped), static_cast<double>(hurt)};
    std::copy(all, all + 6, found);
  });
}

// lca, before, after, delta, ranges, found [n, 5]
napi_value slopes(napi_env env, napi_callback_info info) {
  Arguments given(env, info);
  const float* lca = given.vector<float>(0);
  const double* before = given.vector<double>(1);
  const double* after = given.vector<double>(2);
  const double* delta = given.vector<double>(3);
  return findOf<5>(given, given.ranges(4), 5, 4, [=](const Range& range, double* found) {
    double total = 0, first = 0, end = 0, gradient = 0, gradientChange = 0;
    for (int64_t i = range.from; i < range.to; i++) {
      const double change = after[i] - before[i];
      total += lca[i];
      first += before[i] * delta[i];
      end += after[i] * delta[i];
      gradient += before[i] * before[i];
      gradientChange += change * change;
    }
    const double all[] = {total, first, end, gradient, gradientChange};
    std::copy(all, all + 5, found);
  });
}

// Of a(i) and b(i): Σ a·b, Σ a², Σ b², how many products are negative, and how many not 0.
template <typename A, typename B>
void compareInto(double* found, const Range& range, const A& a, const B& b) {
  double dot = 0, before = 0, after = 0;
  int64_t turned = 0, isSigned = 0;
  for (int64_t i = range.from; i < range.to; i++) {
    const double x = a(i), y = b(i), product = x * y;
    dot += product;
    before += x * x;
    after += y * y;
    turned += product < 0;
    isSigned += product != 0;
  }
  const double all[] = {dot, before, after, static_cast<double>(turned), static_cast<double>(isSigned)};
  std::copy(all, all + 5, found);
}

// before, after, ranges, found [n, 5]
napi_value compare(napi_env env, napi_callback_info info) {
  Arguments given(env, info);
  const double* before = given.vector<double>(0);
  const double* after = given.vector<double>(1);
  return findOf<5>(given, given.ranges(2), 3, 3, [=](const Range& range, double* found) {
    compareInto(found, range, [=](int64_t i) { return before[i]; }, [=](int64_t i) { return after[i]; });
  });
}

// earlier, theta, delta, ranges, found [n, 5]
napi_value compareUpdates(napi_env env, napi_callback_info info) {
  Arguments given(env, info);
  const float* earlier = given.vector<float>(0);
  const float* theta = given.vector<float>(1);
  const double* delta = given.vector<double>(2);
  return findOf<5>(given, given.ranges(3), 4, 3, [=](const Range& range, double* found) {
    compareInto(
        found, range, [=](int64_t i) { return static_cast<double>(theta[i]) - static_cast<double>(earlier[i]); },
        [=](int64_t i) { return delta[i]; });
  });
}

// before, after, ranges, found [n, 2]
napi_value compareSigns(napi_env env, napi_callback_info info) {
  Arguments given(env, info);
  const float* before = given.vector<float>(0);
  const float* after = given.vector<float>(1);
  return findOf<2>(given, given.ranges(2), 3, 2, [=](const Range& range, double* found) {
    int64_t turned = 0, isSigned = 0;
    for (int64_t i = range.from; i < range.to; i++) {
      const double product = static_cast<double>(before[i]) * static_cast<double>(after[i]);
      turned += product < 0;
      isSigned += product != 0;
    }
    found[0] = static_cast<double>(turned);
    found[1] = static_cast<double>(isSigned);
  });
}

template <bool isFirst>
void joinInto(const float* values, float* sum, const Range& range, double* found) {
  int64_t helpedOnce = 0, hurtOnce = 0, helped = 0, hurt = 0;
  // Counted in 32 bits as long as these hold them: then a vector holds as many as there are values in one.
  for (int64_t start = range.from; start < range.to; start += blockLength) {
    int32_t counts[4] = {0, 0, 0, 0};
    for (int64_t i = start, end = std::min(range.to, start + blockLength); i < end; i++) {
      const float one = values[i], joined = isFirst ? one : sum[i] + one;
      sum[i] = joined;
      counts[0] += one < 0;
      counts[1] += one > 0;
      counts[2] += joined < 0;
      counts[3] += joined > 0;
    }
    helpedOnce += counts[0];
    hurtOnce += counts[1];
    helped += counts[2];
    hurt += counts[3];
  }
  const double all[] = {static_cast<double>(helpedOnce), static_cast<double>(hurtOnce), static_cast<double>(helped),
                        static_cast<double>(hurt)};
  std::copy(all, all + 4, found);
}

// values, sum, isFirst, ranges, found [n, 4]
napi_value join(napi_env env, napi_callback_info info) {
  Arguments given(env, info);
  const float* values = given.vector<float>(0);
  float* sum = given.vector<float>(1);
  const bool isFirst = given.truth(2);
  return findOf<4>(given, given.ranges(3), 4, 2, [=](const Range& range, double* found) {
    if (isFirst)
      joinInto<true>(values, sum, range, found);
    else
      joinInto<false>(values, sum, range, found);
  });
}

constexpr size_t signedBins = 512, extremes = 8;

// values, iteration, ranges, counts [n, signedBins], absolute [n, signedBins], extremes [n, 8]
napi_value tally(napi_env env, napi_callback_info info) {
  Arguments given(env, info);
  const float* values = given.vector<float>(0);
  const double iteration = given.number(1);
  const std::vector<Range> ranges = given.ranges(2);
  double* allCounts = given.table<double>(3, signedBins * ranges.size());
  double* allAbsolute = given.table<double>(4, signedBins * ranges.size());
  double* kept = given.table<double>(5, extremes * ranges.size());
  if (!given.ok) return given.refuse();
  overRanges(ranges, 2, [&](int64_t r) {
    int64_t counts[signedBins] = {};
    double* absolute = allAbsolute + r * signedBins;
    double* known = kept + r * extremes;
    double squared = 0, fourth = 0;
    float max = static_cast<float>(known[2]), min = static_cast<float>(known[5]);
    int64_t maxIndex = -1, minIndex = -1;
    for (int64_t i = ranges[r].from; i < ranges[r].to; i++) {
      const float value = values[i];
      if (value == 0) continue;
      uint32_t word;
      std::memcpy(&word, &value, sizeof word);
      const double x = value, square = x * x;
      counts[word >> 23]++;
      absolute[word >> 23] += std::fabs(x);
      squared += square;
      fourth += square * square;
      if (value > max) {
        max = value;
        maxIndex = i;
      }
      if (value < min) {
        min = value;
        minIndex = i;
      }
    }
    for (size_t bin = 0; bin < signedBins; bin++) allCounts[r * signedBins + bin] += static_cast<double>(counts[bin]);
    known[0] += squared;
    known[1] += fourth;
    const auto note = [&](double* extreme, float value, int64_t index) {
      if (index < 0) return;
      extreme[0] = value;
      extreme[1] = static_cast<double>(index);
      extreme[2] = iteration;
    };
    note(known + 2, max, maxIndex);
    note(known + 5, min, minIndex);
  });
  return nullptr;
}

// Calls take(unit, from, to) for the parameters of each unit that lie in a row, for ranges that share units in their order.
// `spans` [n, 3] are first, stride and units; all units lie in tables of so many.
template <typename Take, typename TakeTurns>
napi_value overUnits(Arguments& given, const std::vector<Range>& ranges, size_t spansAt, size_t room, const Take& take,
                     const TakeTurns& takeTurns) {
  const double* spans = given.table<double>(spansAt, 3 * ranges.size());
  if (!given.ok) return given.refuse();
  std::map<int64_t, std::vector<size_t>> sharing;
  for (size_t r = 0; r < ranges.size(); r++) {
    const double first = spans[3 * r], stride = spans[3 * r + 1], units = spans[3 * r + 2];
    if (!(first >= 0 && stride >= 1 && units >= 1 && first + units <= static_cast<double>(room))) return given.refuse();
    sharing[static_cast<int64_t>(first)].push_back(r);
  }
  std::vector<std::vector<size_t>> blocks;
  int64_t values = 0;
  for (const auto& entry : sharing) blocks.push_back(entry.second);
  for (const Range& range : ranges) values += range.size();
  ledger::inBlocks(static_cast<int64_t>(blocks.size()), values, [&](int64_t block) {
    for (const size_t r : blocks[block]) {
      const int64_t first = static_cast<int64_t>(spans[3 * r]), stride = static_cast<int64_t>(spans[3 * r + 1]),
                    units = static_cast<int64_t>(spans[3 * r + 2]);
      int64_t unit = 0;
      for (int64_t from = ranges[r].from; from < ranges[r].to;) {
        if (stride == 1) {
          const int64_t to = std::min(ranges[r].to, from + units);
          takeTurns(first, from, to);
          from = to;
          continue;
        }
        const int64_t to = std::min(ranges[r].to, from + stride);
        take(first + unit, from, to);
        if (++unit == units) unit = 0;
        from = to;
      }
    }
  });
  return nullptr;
}

// values, ranges, spans, helping, hurting
napi_value addUnits(napi_env env, napi_callback_info info) {
  Arguments given(env, info);
  const float* values = given.vector<float>(0);
  const std::vector<Range> ranges = given.ranges(1);
  size_t room = 0, more = 0;
  double* helping = given.table<double>(3, 0, &room);
  double* hurting = given.table<double>(4, 0, &more);
  return overUnits(
      given, ranges, 2, std::min(room, more),
      [=](int64_t unit, int64_t from, int64_t to) {
        double helps = helping[unit], hurts = hurting[unit];
        for (int64_t i = from; i < to; i++) {
          const double value = values[i], magnitude = std::fabs(value);
          helps += 0.5 * (value - magnitude);
          hurts += 0.5 * (value + magnitude);
        }
        helping[unit] = helps;
        hurting[unit] = hurts;
      },
      [=](int64_t first, int64_t from, int64_t to) {
        for (int64_t u = 0; u < to - from; u++) {
          const double value = values[from + u], magnitude = std::fabs(value);
          helping[first + u] += 0.5 * (value - magnitude);
          hurting[first + u] += 0.5 * (value + magnitude);
        }
      });
}

// values, ranges, spans, sums
napi_value sumUnits(napi_env env, napi_callback_info info) {
  Arguments given(env, info);
  const float* values = given.vector<float>(0);
  const std::vector<Range> ranges = given.ranges(1);
  size_t room = 0;
  double* sums = given.table<double>(3, 0, &room);
  return overUnits(
      given, ranges, 2, room,
      [=](int64_t unit, int64_t from, int64_t to) {
        double sum = sums[unit];
        for (int64_t i = from; i < to; i++) sum += values[i];
        sums[unit] = sum;
      },
      [=](int64_t first, int64_t from, int64_t to) {
        for (int64_t u = 0; u < to - from; u++) sums[first + u] += values[from + u];
      });
}

// theta, g, v, { momentum, nesterov, rate, kept }
napi_value sgd(napi_env env, napi_callback_info info) {
  Arguments given(env, info);
  size_t length = 0;
  float* theta = given.vector<float>(0, &length);
  const double* g = given.vector<double>(1);
  double* v = given.vector<double>(2);
  const double momentum = given.number(3, "momentum"), rate = given.number(3, "rate"), kept = given.number(3, "kept");
  const bool nesterov = given.truth(3, "nesterov");
  if (!given.ok || length != given.shortest()) return given.refuse();
  overBlocks(static_cast<int64_t>(length), 6, [&](int64_t from, int64_t to) {
    if (nesterov)
      for (int64_t i = from; i < to; i++) {
        v[i] = momentum * v[i] + g[i];
        theta[i] = static_cast<float>(theta[i] * kept - rate * (g[i] + momentum * v[i]));
      }
    else
      for (int64_t i = from; i < to; i++) {
        v[i] = momentum * v[i] + g[i];
        theta[i] = static_cast<float>(theta[i] * kept - rate * v[i]);
      }
  });
  return nullptr;
}

// theta, g, m, s, { beta1, beta2, epsilon, first, second, rate, kept }
napi_value adam(napi_env env, napi_callback_info info) {
  Arguments given(env, info);
  size_t length = 0;
  float* theta = given.vector<float>(0, &length);
  const double* g = given.vector<double>(1);
  double* m = given.vector<double>(2);
  double* s = given.vector<double>(3);
  const double beta1 = given.number(4, "beta1"), beta2 = given.number(4, "beta2"), epsilon = given.number(4, "epsilon"),
               first = given.number(4, "first"), second = given.number(4, "second"), rate = given.number(4, "rate"),
               kept = given.number(4, "kept");
  if (!given.ok || length != given.shortest()) return given.refuse();
  overBlocks(static_cast<int64_t>(length), 8, [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; i++) {
      m[i] = beta1 * m[i] + (1 - beta1) * g[i];
      s[i] = beta2 * s[i] + (1 - beta2) * g[i] * g[i];
      theta[i] = static_cast<float>(theta[i] * kept - (rate * (m[i] / first)) / (std::sqrt(s[i] / second) + epsilon));
    }
  });
  return nullptr;
}

// Of a vector of float64, the address of its first value, as long as it lives.
napi_value addressOf(napi_env env, napi_callback_info info) {
  Arguments given(env, info);
  const double* values = given.vector<double>(0);
  if (!given.ok) return given.refuse();
  napi_value result;
  napi_create_bigint_uint64(env, reinterpret_cast<uint64_t>(values), &result);
  return result;
}

const struct {
  const char* name;
  napi_callback call;
} all[] = {
    {"combine", combine},
    {"allocate", allocate},
    {"sums", sums},
    {"slopes", slopes},
    {"compare", compare},
    {"compareUpdates", compareUpdates},
    {"compareSigns", compareSigns},
    {"join", join},
    {"tally", tally},
    {"addUnits", addUnits},
    {"sumUnits", sumUnits},
    {"sgd", sgd},
    {"adam", adam},
    {"addressOf", addressOf},
};

}  // namespace

NAPI_MODULE_INIT() {
  for (const auto& [name, call] : all) {
    napi_value function;
    if (napi_create_function(env, name, NAPI_AUTO_LENGTH, call, nullptr, &function) != napi_ok ||
        napi_set_named_property(env, exports, name, function) != napi_ok)
      napi_throw_error(env, nullptr, name);
  }
  return exports;
}
