// No signal interrupts TensorFlow.
//
// The matrix products that oneDNN writes at run time for AVX-512 keep values below the stack pointer, further than the ABI's red
// zone. The handler of a signal that comes meanwhile runs on the same stack and overwrites them: results are wrong, or the heap
// is broken ("corrupted size vs. prev_size"), with a profiler that samples by SIGPROF within seconds. So what computes is
// called with signals blocked, and so are the calls that make TensorFlow's threads, which inherit that: a signal waits, or
// another thread of the process takes it. Linked by --wrap, on Linux.
#ifdef __linux__

#include <pthread.h>
#include <signal.h>

#include <initializer_list>

#include "tensorflow/c/c_api.h"
#include "tensorflow/c/eager/c_api.h"

namespace {

// All but those that say what the thread itself has just done wrong.
class WithoutSignals {
 public:
  WithoutSignals() {
    sigset_t all;
    sigfillset(&all);
    for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS}) sigdelset(&all, own);
    pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  ~WithoutSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace

extern "C" {

TFE_Context* __real_TFE_NewContext(const TFE_ContextOptions* options, TF_Status* status);
void __real_TFE_Execute(TFE_Op* op, TFE_TensorHandle** results, int* count, TF_Status* status);
TF_Session* __real_TF_LoadSessionFromSavedModel(const TF_SessionOptions* options, const TF_Buffer* run_options,
                                                const char* folder, const char* const* tags, int tags_length,
                                                TF_Graph* graph, TF_Buffer* meta_graph, TF_Status* status);
void __real_TF_SessionRun(TF_Session* session, const TF_Buffer* run_options, const TF_Output* inputs,
                          TF_Tensor* const* input_values, int inputs_length, const TF_Output* outputs,
                          TF_Tensor** output_values, int outputs_length, const TF_Operation* const* targets,
                          int targets_length, TF_Buffer* run_metadata, TF_Status* status);

TFE_Context* __wrap_TFE_NewContext(const TFE_ContextOptions* options, TF_Status* status) {
  const WithoutSignals without;
  return __real_TFE_NewContext(options, status);
}

void __wrap_TFE_Execute(TFE_Op* op, TFE_TensorHandle** results, int* count, TF_Status* status) {
  const WithoutSignals without;
  __real_TFE_Execute(op, results, count, status);
}

TF_Session* __wrap_TF_LoadSessionFromSavedModel(const TF_SessionOptions* options, const TF_Buffer* run_options,
                                                const char* folder, const char* const* tags, int tags_length,
                                                TF_Graph* graph, TF_Buffer* meta_graph, TF_Status* status) {
  const WithoutSignals without;
  return __real_TF_LoadSessionFromSavedModel(options, run_options, folder, tags, tags_length, graph, meta_graph, status);
}

void __wrap_TF_SessionRun(TF_Session* session, const TF_Buffer* run_options, const TF_Output* inputs,
                          TF_Tensor* const* input_values, int inputs_length, const TF_Output* outputs,
                          TF_Tensor** output_values, int outputs_length, const TF_Operation* const* targets,
                          int targets_length, TF_Buffer* run_metadata, TF_Status* status) {
  const WithoutSignals without;
  __real_TF_SessionRun(session, run_options, inputs, input_values, inputs_length, outputs, output_values, outputs_length,
                       targets, targets_length, run_metadata, status);
}

}  // extern "C"

#endif
