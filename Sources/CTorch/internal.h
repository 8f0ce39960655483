// What every file of the C interface shares: handles, lists and the one place where C++ exceptions end.
// It comes first in every file, so that a missing libtorch is told in words that help.
#pragma once

#if !__has_include(<ATen/core/Tensor.h>)
#error "libtorch is not found: run Kindred's Scripts/setup.sh; a package that depends on Kindred also needs the PKG_CONFIG_PATH that it prints"
#endif

#include <ATen/core/Tensor.h>

#include <vector>

#include "include/ctorch.h"

namespace ctorch {

/// Keeps the exception in flight as the calling thread's last error.
void record_error() noexcept;

inline at::Tensor &ref(ct_tensor handle) { return *reinterpret_cast<at::Tensor *>(handle); }

inline ct_tensor wrap(at::Tensor tensor) { return reinterpret_cast<ct_tensor>(new at::Tensor(std::move(tensor))); }

inline at::IntArrayRef ints(ct_ints list) { return {list.values, list.count}; }

inline std::vector<at::Tensor> list(ct_tensors handles) {
  std::vector<at::Tensor> tensors;
  tensors.reserve(handles.count);
  for (size_t i = 0; i < handles.count; ++i) tensors.push_back(ref(handles.values[i]));
  return tensors;
}

/// Along the height and the width of an image.
inline std::vector<int64_t> both(ct_size size) { return {size.height, size.width}; }

/// A tensor that may be absent: NULL or undefined.
inline std::optional<at::Tensor> optional(ct_tensor handle) {
  if (handle == nullptr || !ref(handle).defined()) return std::nullopt;
  return ref(handle);
}

inline at::Device device(ct_options options) {
  if (options.device_kind == 0) return at::Device(at::kCPU);
  return at::Device(at::kCUDA, static_cast<at::DeviceIndex>(options.device_index));
}

inline at::TensorOptions options(ct_options options) {
  return at::TensorOptions().dtype(static_cast<at::ScalarType>(options.dtype)).device(device(options));
}

template <class Body> ct_tensor tensor(Body &&body) noexcept {
  try {
    return wrap(body());
  } catch (...) {
    record_error();
    return nullptr;
  }
}

template <class Body> int status(Body &&body) noexcept {
  try {
    body();
    return 0;
  } catch (...) {
    record_error();
    return 1;
  }
}

}  // namespace ctorch
