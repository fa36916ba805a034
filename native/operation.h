// An operation of ours as TensorFlow sees it: a name, inputs and outputs, shapes, and a function that computes. Only
// TensorFlow's stable C API is used (tensorflow/c/ops.h, kernels.h); what is registered runs by name, eagerly and in graphs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

// Without a header that the wheel's C API does not come with.
#define IS_SLIM_BUILD
#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"

namespace ledger {

using Shape = std::vector<int64_t>;

// What an operation throws for inputs that it cannot take; TensorFlow hands the text to whoever called.
struct Failure {
  std::string message;
};

// Values where they lie: they are TensorFlow's, and stay as long as the call runs.
template <typename T>
struct Values {
  const T* data;
  Shape shape;

  int64_t size() const {
    int64_t product = 1;
    for (const int64_t axis : shape) product *= axis;
    return product;
  }
  // Of the last axis; a scalar has one channel.
  int64_t channels() const { return shape.empty() ? 1 : shape.back(); }
  // How many rows of channels there are.
  int64_t rows() const { return channels() == 0 ? 0 : size() / channels(); }
};

// One run of an operation.
class Call {
 public:
  Call(TF_OpKernelContext* context, const std::vector<double>& attributes);
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  Values<float> input(int index);
  Values<int32_t> integers(int index);
  // Room for output `index`: values as they happen to lie there.
  float* output(int index, const Shape& shape);
  int32_t* integerOutput(int index, const Shape& shape);
  // How many inputs there are, those of a list one by one.
  int inputs() const { return TF_NumInputs(context_); }
  // An attribute, in the order of the definition.
  double attribute(int index) const { return attributes_[index]; }
  // Throws unless it holds.
  void require(bool holds, const char* message) const;

 private:
  TF_Tensor* tensor(int index, TF_DataType type);
  void* allocated(int index, TF_DataType type, const Shape& shape);
  void check() const;

  TF_OpKernelContext* context_;
  const std::vector<double>& attributes_;
  TF_Status* status_;
  std::vector<TF_Tensor*> tensors_;
};

// Throws unless each label is one of so many classes.
void requireLabels(const Values<int32_t>& labels, int64_t classes);

struct Operation {
  const char* name;
  // As TensorFlow writes them: "x: float", "epsilon: float". An attribute is a float, an int or a bool.
  std::vector<const char*> inputs;
  std::vector<const char*> outputs;
  std::vector<const char*> attributes;
  void (*shapes)(TF_ShapeInferenceContext*, TF_Status*);
  void (*compute)(Call&);
};

void define(const Operation& operation);
void addKernel(const Operation& operation, void* (*create)(TF_OpKernelConstruction*),
               void (*compute)(void*, TF_OpKernelContext*), void (*destroy)(void*));
std::vector<double> attributesOf(const Operation& operation, TF_OpKernelConstruction* construction);
void run(const Operation& operation, const std::vector<double>& attributes, TF_OpKernelContext* context);

// Registers an operation and its kernel for CPUs when the library that holds it is loaded.
template <const Operation& operation>
struct Registered {
  Registered() {
    define(operation);
    addKernel(
        operation,
        [](TF_OpKernelConstruction* construction) -> void* {
          return new std::vector<double>(attributesOf(operation, construction));
        },
        [](void* attributes, TF_OpKernelContext* context) {
          run(operation, *static_cast<std::vector<double>*>(attributes), context);
        },
        [](void* attributes) { delete static_cast<std::vector<double>*>(attributes); });
  }
};

// For shape functions: the shape of an output, put together of axes of inputs.
class Axes {
 public:
  Axes(TF_ShapeInferenceContext* context, TF_Status* status);
  ~Axes();
  Axes(const Axes&) = delete;
  Axes& operator=(const Axes&) = delete;

  // Axes [from, to) of an input, from its end where they are negative.
  Axes& add(int input, int64_t from, int64_t to);
  Axes& addSize(int64_t size);
  void setOutput(int output = 0);

 private:
  bool ok() const;
  Axes& append();

  TF_ShapeInferenceContext* context_;
  TF_Status* status_;
  TF_ShapeHandle *all_, *input_, *part_;
  bool empty_ = true;
};

// An output with the shape of an input, and one with that of its last axis.
void shapeOfInput(TF_ShapeInferenceContext* context, int input, int output, TF_Status* status);
void shapeOfChannels(TF_ShapeInferenceContext* context, int input, int output, TF_Status* status);

}  // namespace ledger
