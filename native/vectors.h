// Vectors of the compiler's own (GCC's and Clang's vector extensions), 64 bytes each. Included within a namespace by each file
// of loops, once a level (levels.h): no guard, and nothing from the standard library.
typedef float Floats __attribute__((vector_size(64)));       // 16
typedef float HalfFloats __attribute__((vector_size(32)));   // 8
typedef int32_t Integers __attribute__((vector_size(64)));   // 16
typedef double Doubles __attribute__((vector_size(64)));     // 8

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
