// Loops over vectors that lie in JavaScript's memory, in place: what src/host-loops.ts does, statement by statement, and with the
// same bits, for every sum goes on in the same order and no product is fused with a sum (-ffp-contract=off). A library of its own
// beside the binding: TensorFlow has no part in it.
#include <node_api.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "../threads.h"

namespace {

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
  T* table(size_t index, size_t least) {
    const size_t before = shortest_;
    size_t length = 0;
    T* data = vector<T>(index, &length);
    shortest_ = before;
    if (length < least) ok = false;
    return data;
  }

  double number(size_t index) {
    double value = 0;
    if (index >= count_ || napi_get_value_double(env_, values_[index], &value) != napi_ok) ok = false;
    return value;
  }

  int64_t whole(size_t index) {
    const double value = number(index);
    if (!(value >= 0 && value <= 9007199254740991.0)) ok = false;
    return ok ? static_cast<int64_t>(value) : 0;
  }

  bool isOf(size_t index, napi_typedarray_type expected) {
    napi_typedarray_type type{};
    return index < count_ &&
           napi_get_typedarray_info(env_, values_[index], &type, nullptr, nullptr, nullptr, nullptr) == napi_ok &&
           type == expected;
  }

  // [from, to) must lie in every vector that was asked for before.
  bool within(int64_t from, int64_t to) {
    return ok = ok && from >= 0 && from <= to && static_cast<size_t>(to) <= shortest_;
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
  ledger::inBlocks((length + blockLength - 1) / blockLength, (count + 1) * length, [&](int64_t block) {
    const int64_t from = block * blockLength, to = std::min(length, from + blockLength);
    // Those that are asked for, as loops that become vectors.
    if (pair && doubles && terms[0].doubles && terms[1].doubles)
      return combinePair(doubles, terms[0].weight, terms[0].doubles, terms[1].weight, terms[1].doubles, from, to);
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

// lca, delta, offset, size, found [6]
napi_value sums(napi_env env, napi_callback_info info) {
  Arguments given(env, info);
  const float* lca = given.vector<float>(0);
  const double* delta = given.vector<double>(1);
  const int64_t from = given.whole(2), to = from + given.whole(3);
  double* found = given.table<double>(4, 6);
  if (!given.within(from, to)) return given.refuse();
  double helping = 0, hurting = 0, squared = 0, moved = 0;
  int64_t helped = 0, hurt = 0;
  for (int64_t i = from; i < to; i++) {
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
  return nullptr;
}

// lca, before, after, delta, offset, size, found [5]
napi_value slopes(napi_env env, napi_callback_info info) {
  Arguments given(env, info);
  const float* lca = given.vector<float>(0);
  const double* before = given.vector<double>(1);
  const double* after = given.vector<double>(2);
  const double* delta = given.vector<double>(3);
  const int64_t from = given.whole(4), to = from + given.whole(5);
  double* found = given.table<double>(6, 5);
  if (!given.within(from, to)) return given.refuse();
  double total = 0, first = 0, end = 0, gradient = 0, gradientChange = 0;
  for (int64_t i = from; i < to; i++) {
    const double change = after[i] - before[i];
    total += lca[i];
    first += before[i] * delta[i];
    end += after[i] * delta[i];
    gradient += before[i] * before[i];
    gradientChange += change * change;
  }
  const double all[] = {total, first, end, gradient, gradientChange};
  std::copy(all, all + 5, found);
  return nullptr;
}

// Of a(i) and b(i): Σ a·b, Σ a², Σ b², how many products are negative, and how many not 0.
template <typename A, typename B>
void compareInto(double* found, int64_t from, int64_t to, const A& a, const B& b) {
  double dot = 0, before = 0, after = 0;
  int64_t turned = 0, isSigned = 0;
  for (int64_t i = from; i < to; i++) {
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

// before, after, offset, size, found [5]
napi_value compare(napi_env env, napi_callback_info info) {
  Arguments given(env, info);
  const double* before = given.vector<double>(0);
  const double* after = given.vector<double>(1);
  const int64_t from = given.whole(2), to = from + given.whole(3);
  double* found = given.table<double>(4, 5);
  if (!given.within(from, to)) return given.refuse();
  compareInto(found, from, to, [=](int64_t i) { return before[i]; }, [=](int64_t i) { return after[i]; });
  return nullptr;
}

// earlier, theta, delta, offset, size, found [5]
napi_value compareUpdates(napi_env env, napi_callback_info info) {
  Arguments given(env, info);
  const float* earlier = given.vector<float>(0);
  const float* theta = given.vector<float>(1);
  const double* delta = given.vector<double>(2);
  const int64_t from = given.whole(3), to = from + given.whole(4);
  double* found = given.table<double>(5, 5);
  if (!given.within(from, to)) return given.refuse();
  compareInto(
      found, from, to, [=](int64_t i) { return static_cast<double>(theta[i]) - static_cast<double>(earlier[i]); },
      [=](int64_t i) { return delta[i]; });
  return nullptr;
}

// before, after, offset, size, found [5]
napi_value compareSigns(napi_env env, napi_callback_info info) {
  Arguments given(env, info);
  const float* before = given.vector<float>(0);
  const float* after = given.vector<float>(1);
  const int64_t from = given.whole(2), to = from + given.whole(3);
  double* found = given.table<double>(4, 5);
  if (!given.within(from, to)) return given.refuse();
  int64_t turned = 0, isSigned = 0;
  for (int64_t i = from; i < to; i++) {
    const double product = static_cast<double>(before[i]) * static_cast<double>(after[i]);
    turned += product < 0;
    isSigned += product != 0;
  }
  found[3] = static_cast<double>(turned);
  found[4] = static_cast<double>(isSigned);
  return nullptr;
}

// values, offset, size, first, stride, units, helping, hurting
napi_value addUnits(napi_env env, napi_callback_info info) {
  Arguments given(env, info);
  const float* values = given.vector<float>(0);
  const int64_t from = given.whole(1), to = from + given.whole(2), first = given.whole(3), stride = given.whole(4),
                units = given.whole(5);
  if (!given.within(from, to) || stride < 1 || units < 1) return given.refuse();
  double* helping = given.table<double>(6, first + units);
  double* hurting = given.table<double>(7, first + units);
  if (!given.ok) return given.refuse();
  int64_t unit = first;
  for (int64_t i = from; i < to;) {
    double helps = helping[unit], hurts = hurting[unit];
    for (const int64_t end = std::min(to, i + stride); i < end; i++) {
      const double value = values[i], magnitude = std::fabs(value);
      helps += 0.5 * (value - magnitude);
      hurts += 0.5 * (value + magnitude);
    }
    helping[unit] = helps;
    hurting[unit] = hurts;
    if (++unit == first + units) unit = first;
  }
  return nullptr;
}

const struct {
  const char* name;
  napi_callback call;
} all[] = {
    {"combine", combine},           {"allocate", allocate},
    {"sums", sums},                 {"slopes", slopes},
    {"compare", compare},           {"compareUpdates", compareUpdates},
    {"compareSigns", compareSigns}, {"addUnits", addUnits},
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
