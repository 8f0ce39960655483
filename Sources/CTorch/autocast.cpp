// libtorch's autocast: operations that bear it compute in a narrower type, their weights converted on the way.
#include "internal.h"

#include <ATen/autocast_mode.h>

namespace {
at::DeviceType device_type(int kind) { return kind == 0 ? at::kCPU : at::kCUDA; }
}  // namespace

int ct_autocast(int device_kind) {
  const auto type = device_type(device_kind);
  return at::autocast::is_autocast_enabled(type) ? static_cast<int>(at::autocast::get_autocast_dtype(type)) : -1;
}

int ct_set_autocast(int device_kind, int dtype) {
  return ctorch::status([&] {
    const auto type = device_type(device_kind);
    at::autocast::set_autocast_enabled(type, dtype >= 0);
    if (dtype >= 0) at::autocast::set_autocast_dtype(type, static_cast<at::ScalarType>(dtype));
    // The converted weights that are kept belong to the parameters' values of now.
    at::autocast::clear_cache();
  });
}
