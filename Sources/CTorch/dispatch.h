// Operators that libtorch has without a C++ header of their own: they are found by name.
#pragma once

#include "internal.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

namespace ctorch {

inline c10::OperatorHandle operation(const char *name, const char *overload) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, overload);
}

inline std::vector<int64_t> pair(int64_t value) { return {value, value}; }

}  // namespace ctorch
