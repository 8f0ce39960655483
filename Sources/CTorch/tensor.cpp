// Lifetime, description, creation and conversion of tensors.
#include "internal.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>

#include <cstring>

using namespace ctorch;

void ct_free(ct_tensor tensor) { delete &ref(tensor); }

ct_tensor ct_undefined(void) { return wrap(at::Tensor()); }
bool ct_is_defined(ct_tensor tensor) { return ref(tensor).defined(); }
size_t ct_dimension_count(ct_tensor tensor) { return ref(tensor).defined() ? ref(tensor).dim() : 0; }

void ct_shape(ct_tensor tensor, int64_t *shape) {
  auto sizes = ref(tensor).sizes();
  std::copy(sizes.begin(), sizes.end(), shape);
}

void ct_strides(ct_tensor tensor, int64_t *strides) {
  auto steps = ref(tensor).strides();
  std::copy(steps.begin(), steps.end(), strides);
}

int64_t ct_element_count(ct_tensor tensor) { return ref(tensor).defined() ? ref(tensor).numel() : 0; }

ct_options ct_options_of(ct_tensor tensor) {
  const auto &t = ref(tensor);
  if (!t.defined()) return {static_cast<int>(at::kFloat), 0, 0};
  return {static_cast<int>(t.scalar_type()), t.is_cuda() ? 1 : 0, t.is_cuda() ? t.get_device() : 0};
}

bool ct_is_contiguous(ct_tensor tensor, int layout) {
  return ref(tensor).defined() && ref(tensor).is_contiguous(static_cast<at::MemoryFormat>(layout));
}

ct_tensor ct_empty(ct_ints shape, ct_options o) {
  return tensor([&] { return at::empty(ints(shape), options(o)); });
}

ct_tensor ct_full(ct_ints shape, double value, ct_options o) {
  return tensor([&] { return at::full(ints(shape), value, options(o)); });
}

ct_tensor ct_arange(int64_t count, ct_options o) {
  return tensor([&] { return at::arange(count, options(o)); });
}

ct_tensor ct_eye(int64_t size, ct_options o) {
  return tensor([&] { return at::eye(size, options(o)); });
}

ct_tensor ct_from_bytes(const void *bytes, size_t byte_count, ct_ints shape, int dtype) {
  return tensor([&] {
    auto result = at::empty(ints(shape), at::TensorOptions().dtype(static_cast<at::ScalarType>(dtype)));
    TORCH_CHECK(
        result.nbytes() == byte_count, "shape ", result.sizes(), " of ", result.scalar_type(), " takes ",
        result.nbytes(), " bytes, not ", byte_count);
    if (byte_count > 0) std::memcpy(result.mutable_data_ptr(), bytes, byte_count);
    return result;
  });
}

ct_tensor ct_from_memory(void *memory, ct_ints shape, int dtype, void (*release)(void *), void *owner) {
  return tensor([&] {
    return at::from_blob(
        memory, ints(shape), [release, owner](void *) { release(owner); },
        at::TensorOptions().dtype(static_cast<at::ScalarType>(dtype)));
  });
}

int ct_copy_to_bytes(ct_tensor tensor, void *bytes, size_t byte_count) {
  return status([&] {
    auto source = ref(tensor).detach().to(at::kCPU).contiguous();
    TORCH_CHECK(source.nbytes() == byte_count, "the tensor holds ", source.nbytes(), " bytes, not ", byte_count);
    if (byte_count > 0) std::memcpy(bytes, source.const_data_ptr(), byte_count);
  });
}

ct_tensor ct_to(ct_tensor handle, ct_options o, bool copy) {
  return tensor([&] {
    return ref(handle).to(device(o), static_cast<at::ScalarType>(o.dtype), /*non_blocking=*/false, copy);
  });
}

ct_tensor ct_contiguous(ct_tensor handle, int layout) {
  return tensor([&] { return ref(handle).contiguous(static_cast<at::MemoryFormat>(layout)); });
}

ct_tensor ct_clone(ct_tensor handle) {
  return tensor([&] { return ref(handle).clone(); });
}

ct_tensor ct_detach(ct_tensor handle) {
  return tensor([&] { return ref(handle).detach(); });
}

int ct_set_data(ct_tensor handle, ct_tensor data) {
  return status([&] { ref(handle).set_data(ref(data)); });
}
