// Operators that libtorch has without a C++ header of their own: they are found by name.
#pragma once

#include "internal.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

#include <cmath>

namespace ctorch {

inline c10::OperatorHandle operation(const char *name, const char *overload) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, overload);
}

/// What a oneDNN operation does to its results, as its arguments: a name and numbers.
struct Activation {
  std::string name = "none";
  c10::List<std::optional<at::Scalar>> numbers;

  explicit Activation(ct_range range) {
    if (std::isinf(range.lowest) && std::isinf(range.highest)) return;
    name = range.lowest == 0 && std::isinf(range.highest) ? "relu" : "hardtanh";
    if (name == "relu") return;
    numbers.push_back(at::Scalar(range.lowest));
    numbers.push_back(at::Scalar(range.highest));
  }
};

}  // namespace ctorch
