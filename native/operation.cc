#include "operation.h"

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <utility>

namespace ledger {

Call::Call(TF_OpKernelContext* context, const std::vector<double>& attributes)
    : context_(context), attributes_(attributes), status_(TF_NewStatus()) {}

Call::~Call() {
  for (TF_Tensor* tensor : tensors_) TF_DeleteTensor(tensor);
  TF_DeleteStatus(status_);
}

void Call::check() const {
  if (TF_GetCode(status_) != TF_OK) throw Failure{TF_Message(status_)};
}

void Call::require(bool holds, const char* message) const {
  if (!holds) throw Failure{message};
}

TF_Tensor* Call::tensor(int index, TF_DataType type) {
  TF_Tensor* tensor = nullptr;
  TF_GetInput(context_, index, &tensor, status_);
  check();
  tensors_.push_back(tensor);
  if (TF_TensorType(tensor) != type) throw Failure{"an input has another type than the operation says"};
  return tensor;
}

template <typename T>
static Values<T> valuesOf(const TF_Tensor* tensor) {
  Shape shape(TF_NumDims(tensor));
  for (size_t axis = 0; axis < shape.size(); axis++) shape[axis] = TF_Dim(tensor, static_cast<int>(axis));
  return {static_cast<const T*>(TF_TensorData(tensor)), shape};
}

Values<float> Call::input(int index) { return valuesOf<float>(tensor(index, TF_FLOAT)); }

Values<int32_t> Call::integers(int index) { return valuesOf<int32_t>(tensor(index, TF_INT32)); }

void* Call::allocated(int index, TF_DataType type, const Shape& shape) {
  // Of both types a value has four bytes.
  const size_t bytes = Values<float>{nullptr, shape}.size() * sizeof(float);
  TF_Tensor* tensor =
      TF_AllocateOutput(context_, index, type, shape.data(), static_cast<int>(shape.size()), bytes, status_);
  check();
  tensors_.push_back(tensor);
  return TF_TensorData(tensor);
}

float* Call::output(int index, const Shape& shape) {
  return static_cast<float*>(allocated(index, TF_FLOAT, shape));
}

int32_t* Call::integerOutput(int index, const Shape& shape) {
  return static_cast<int32_t*>(allocated(index, TF_INT32, shape));
}

void requireLabels(const Values<int32_t>& labels, int64_t classes) {
  for (int64_t row = 0; row < labels.size(); row++)
    if (labels.data[row] < 0 || labels.data[row] >= classes)
      throw Failure{"label " + std::to_string(labels.data[row]) + " of row " + std::to_string(row) + " is none of " +
                    std::to_string(classes) + " classes"};
}

// Only a mistake in a definition gets here, and set-up tries the library out: no run of a user sees it.
static void mustBe(const Operation& operation, TF_Status* status) {
  if (TF_GetCode(status) == TF_OK) return;
  std::fprintf(stderr, "operation %s: %s\n", operation.name, TF_Message(status));
  std::abort();
}

void define(const Operation& operation) {
  TF_Status* status = TF_NewStatus();
  TF_OpDefinitionBuilder* builder = TF_NewOpDefinitionBuilder(operation.name);
  for (const char* input : operation.inputs) TF_OpDefinitionBuilderAddInput(builder, input);
  for (const char* output : operation.outputs) TF_OpDefinitionBuilderAddOutput(builder, output);
  for (const char* attribute : operation.attributes) TF_OpDefinitionBuilderAddAttr(builder, attribute);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(builder, operation.shapes);
  TF_RegisterOpDefinition(builder, status);
  mustBe(operation, status);
  TF_DeleteStatus(status);
}

void addKernel(const Operation& operation, void* (*create)(TF_OpKernelConstruction*),
               void (*compute)(void*, TF_OpKernelContext*), void (*destroy)(void*)) {
  TF_Status* status = TF_NewStatus();
  TF_KernelBuilder* builder = TF_NewKernelBuilder(operation.name, "CPU", create, compute, destroy);
  TF_RegisterKernelBuilder(operation.name, builder, status);
  mustBe(operation, status);
  TF_DeleteStatus(status);
}

std::vector<double> attributesOf(const Operation& operation, TF_OpKernelConstruction* construction) {
  TF_Status* status = TF_NewStatus();
  std::vector<double> values;
  for (const std::string specification : operation.attributes) {
    const size_t colon = specification.find(':');
    const std::string name = specification.substr(0, colon);
    // "N: int >= 1" is an int.
    const std::string type = specification.substr(colon + 2, specification.find(' ', colon + 2) - colon - 2);
    if (type == "float") {
      float value = 0;
      TF_OpKernelConstruction_GetAttrFloat(construction, name.c_str(), &value, status);
      values.push_back(value);
    } else if (type == "int") {
      int64_t value = 0;
      TF_OpKernelConstruction_GetAttrInt64(construction, name.c_str(), &value, status);
      values.push_back(static_cast<double>(value));
    } else {
      TF_Bool value = 0;
      TF_OpKernelConstruction_GetAttrBool(construction, name.c_str(), &value, status);
      values.push_back(value);
    }
    if (TF_GetCode(status) != TF_OK) {
      TF_OpKernelConstruction_Failure(construction, status);
      break;
    }
  }
  TF_DeleteStatus(status);
  return values;
}

void run(const Operation& operation, const std::vector<double>& attributes, TF_OpKernelContext* context) {
  std::string message;
  try {
    Call call(context, attributes);
    operation.compute(call);
    return;
  } catch (const Failure& failure) {
    message = failure.message;
  } catch (const std::exception& error) {
    message = error.what();
  }
  TF_Status* status = TF_NewStatus();
  TF_SetStatus(status, TF_INVALID_ARGUMENT, (std::string(operation.name) + ": " + message).c_str());
  TF_OpKernelContext_Failure(context, status);
  TF_DeleteStatus(status);
}

Axes::Axes(TF_ShapeInferenceContext* context, TF_Status* status) : context_(context), status_(status) {
  for (TF_ShapeHandle** handle : {&all_, &input_, &part_}) *handle = TF_NewShapeHandle();
}

Axes::~Axes() {
  for (TF_ShapeHandle* handle : {all_, input_, part_}) TF_DeleteShapeHandle(handle);
}

bool Axes::ok() const { return TF_GetCode(status_) == TF_OK; }

Axes& Axes::add(int input, int64_t from, int64_t to) {
  if (ok()) TF_ShapeInferenceContextGetInput(context_, input, input_, status_);
  if (ok()) TF_ShapeInferenceContextSubshape(context_, input_, from, to, part_, status_);
  return append();
}

Axes& Axes::addSize(int64_t size) {
  TF_DeleteShapeHandle(part_);
  part_ = TF_ShapeInferenceContextVectorFromSize(context_, size);
  return append();
}

Axes& Axes::append() {
  if (empty_)
    std::swap(all_, part_);
  else if (ok())
    TF_ShapeInferenceContextConcatenateShapes(context_, all_, part_, all_, status_);
  empty_ = false;
  return *this;
}

void Axes::setOutput(int output) {
  if (ok()) TF_ShapeInferenceContextSetOutput(context_, output, all_, status_);
}

void shapeOfInput(TF_ShapeInferenceContext* context, int input, int output, TF_Status* status) {
  Axes(context, status).add(input, 0, INT64_MAX).setOutput(output);
}

void shapeOfChannels(TF_ShapeInferenceContext* context, int input, int output, TF_Status* status) {
  Axes(context, status).add(input, -1, INT64_MAX).setOutput(output);
}

}  // namespace ledger
