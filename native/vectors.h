// Vectors of the compiler's own (GCC's and Clang's vector extensions), as wide as the level's instructions. Included within a namespace by each file
// of loops, once a level (levels.h): no guard, and nothing from the standard library.
typedef float Floats __attribute__((vector_size(VECTOR_BYTES)));
typedef float HalfFloats __attribute__((vector_size(VECTOR_BYTES / 2)));
typedef int32_t Integers __attribute__((vector_size(VECTOR_BYTES)));
typedef double Doubles __attribute__((vector_size(VECTOR_BYTES)));
constexpr int64_t perVector = VECTOR_BYTES / 4, perHalf = VECTOR_BYTES / 8;

#define INLINED static inline __attribute__((always_inline))

INLINED Doubles loadDoubles(const float* from) {
  HalfFloats values;
  __builtin_memcpy(&values, from, sizeof values);
  return __builtin_convertvector(values, Doubles);
}

template <typename Vector, typename Value>
INLINED Vector load(const Value* from) {
  Vector values;
  __builtin_memcpy(&values, from, sizeof values);
  return values;
}

template <typename Vector, typename Value>
INLINED void store(Value* to, Vector values) {
  __builtin_memcpy(to, &values, sizeof values);
}

INLINED Floats all(float v) { return v - Floats{}; }

constexpr int32_t counted[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
INLINED Integers lanes() { return load<Integers>(counted); }

// Of fewer values than a vector has, and 0 in the lanes beyond.
INLINED Floats loadSome(const float* from, int64_t count) {
  float values[perVector] = {};
  for (int64_t lane = 0; lane < count; lane++) values[lane] = from[lane];
  return load<Floats>(values);
}

INLINED void storeSome(float* to, Floats values, int64_t count) {
  float stored[perVector];
  store(stored, values);
  for (int64_t lane = 0; lane < count; lane++) to[lane] = stored[lane];
}

// As loadSome, where so many values may be read as `readable` says.
INLINED Floats loadOf(const float* from, int64_t count, int64_t readable) {
  if (count >= perVector) return load<Floats>(from);
  if (readable < perVector) return loadSome(from, count);
  return lanes() < static_cast<int32_t>(count) ? load<Floats>(from) : Floats{};
}

// A whole vector where so many are left, else what is left.
INLINED Floats loadUpTo(const float* from, int64_t left) {
  return left >= perVector ? load<Floats>(from) : loadSome(from, left);
}

INLINED void storeUpTo(float* to, Floats values, int64_t left) {
  if (left >= perVector)
    store(to, values);
  else
    storeSome(to, values, left);
}

// 0 in the lanes from `left` on.
INLINED Floats firstOnly(Floats values, int64_t left) {
  return left >= perVector ? values : (lanes() < static_cast<int32_t>(left) ? values : Floats{});
}

INLINED Floats least(Floats values, float most) { return values > most ? all(most) : values; }
INLINED Floats greatest(Floats values, float least) { return values < least ? all(least) : values; }

// Two halves of one vector added to sums in float64.
INLINED void addTo(Doubles& sums, Floats values) {
  HalfFloats halves[2];
  __builtin_memcpy(halves, &values, sizeof values);
  sums += __builtin_convertvector(halves[0], Doubles) + __builtin_convertvector(halves[1], Doubles);
}

// As addTo, each lane to a sum of its own, and those stored.
INLINED void addHalves(Doubles sums[2], Floats values) {
  HalfFloats halves[2];
  __builtin_memcpy(halves, &values, sizeof values);
  sums[0] += __builtin_convertvector(halves[0], Doubles);
  sums[1] += __builtin_convertvector(halves[1], Doubles);
}

INLINED void storeHalves(double* to, const Doubles sums[2], int64_t count) {
  for (int64_t lane = 0; lane < count && lane < perVector; lane++)
    to[lane] = sums[lane / perHalf][lane % perHalf];
}

// All of an array made one, always in the same order.
template <int count, typename Value, typename Both>
INLINED Value folded(const Value* values, const Both& both) {
  if constexpr (count == 1) {
    return values[0];
  } else {
    Value halves[count / 2];
    for (int i = 0; i < count / 2; i++) halves[i] = both(values[i], values[i + count / 2]);
    return folded<count / 2>(halves, both);
  }
}

INLINED double total(Doubles v) {
  double values[perHalf];
  store(values, v);
  return folded<perHalf>(values, [](double a, double b) { return a + b; });
}

INLINED float sumOf(Floats v) {
  float values[perVector];
  store(values, v);
  return folded<perVector>(values, [](float a, float b) { return a + b; });
}

// NaN in a lane other than the first is passed over.
INLINED float largestOf(Floats v) {
  float values[perVector];
  store(values, v);
  return folded<perVector>(values, [](float a, float b) { return b > a ? b : a; });
}

// eˣ to 2 units in the last place: inf above 88.8, 0 below −104, NaN of NaN. As 2ⁿ·eʳ, r = x − n·log 2 in two parts, and eʳ as a
// polynomial (Cody and Waite 1980; the coefficients of Moshier's Cephes, expf).
INLINED Floats exponential(Floats x) {
  x = greatest(least(x, 89.0f), -104.0f);
  const Floats shifted = x * 1.44269504088896341f + 12582912.0f;  // 1.5·2²³: the last bits are the nearest integer
  const Floats n = shifted - 12582912.0f;
  Floats r = x - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  Floats p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
  // In two factors: 2ⁿ alone is no float32 where eˣ nearly overflows, or is denormal.
  const Integers power = (Integers)shifted - 0x4b400000;
  const Integers half = power >> 1;
  return p * (Floats)((half + 127) << 23) * (Floats)((power - half + 127) << 23);
}
