// Compiles the loops of a file, which the macro LOOPS names, for each level of instructions that the machine may have, and
// picks at run time: LEDGER_PICK(name) is the best. Portable C++ throughout: the vectors of vectors.h are the compiler's own,
// as wide as the level's registers. Elsewhere than on x86-64 with GCC there is the one level that the compiler is told of.
// Levels differ by rounding: sums run over as many lanes as there are, and not all multiply and add in one instruction.
// Included once by each file that has loops.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define LEDGER_LEVELS 1
#else
#define LEDGER_LEVELS 0
#endif

namespace ledger {
#define VECTOR_BYTES 16
namespace baseline {
#include LOOPS
}
#undef VECTOR_BYTES
#if LEDGER_LEVELS
#pragma GCC push_options
#pragma GCC target("avx2,fma,bmi,bmi2")
#define VECTOR_BYTES 32
namespace avx2 {
#include LOOPS
}
#undef VECTOR_BYTES
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma,bmi,bmi2")
#define VECTOR_BYTES 64
namespace avx512 {
#include LOOPS
}
#undef VECTOR_BYTES
#pragma GCC pop_options
#endif
}  // namespace ledger

#if LEDGER_LEVELS
namespace ledger {
inline int levelOfThisMachine() {
  static const int level = [] {
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("bmi2")) return 1;
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                   __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                   __builtin_cpu_supports("avx512vl")
               ? 3
               : 2;
  }();
  return level;
}
}  // namespace ledger
// The function of that name that this machine runs fastest.
#define LEDGER_PICK(name)                              \
  (ledger::levelOfThisMachine() == 3   ? avx512::name  \
   : ledger::levelOfThisMachine() == 2 ? avx2::name    \
                                       : baseline::name)
#else
#define LEDGER_PICK(name) (baseline::name)
#endif
#undef LOOPS
