// Shapes and indexing.
#include "internal.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/stack.h>

using namespace ctorch;

ct_tensor ct_reshape(ct_tensor a, ct_ints shape) {
  return tensor([&] { return ref(a).reshape(ints(shape)); });
}

ct_tensor ct_flatten(ct_tensor a, int64_t start) {
  return tensor([&] { return ref(a).flatten(start); });
}

ct_tensor ct_permute(ct_tensor a, ct_ints axes) {
  return tensor([&] { return ref(a).permute(ints(axes)); });
}

ct_tensor ct_transpose(ct_tensor a, int64_t first, int64_t second) {
  return tensor([&] { return ref(a).transpose(first, second); });
}

ct_tensor ct_unsqueeze(ct_tensor a, int64_t axis) {
  return tensor([&] { return ref(a).unsqueeze(axis); });
}

ct_tensor ct_squeeze(ct_tensor a, int64_t axis) {
  return tensor([&] { return ref(a).squeeze(axis); });
}

ct_tensor ct_expand(ct_tensor a, ct_ints shape) {
  return tensor([&] { return ref(a).expand(ints(shape)); });
}

ct_tensor ct_narrow(ct_tensor a, int64_t axis, int64_t start, int64_t length) {
  return tensor([&] { return ref(a).narrow(axis, start, length); });
}

ct_tensor ct_select(ct_tensor a, int64_t axis, int64_t index) {
  return tensor([&] { return ref(a).select(axis, index); });
}

ct_tensor ct_index_select(ct_tensor a, int64_t axis, ct_tensor indices) {
  return tensor([&] { return ref(a).index_select(axis, ref(indices)); });
}

ct_tensor ct_gather(ct_tensor a, int64_t axis, ct_tensor indices) {
  return tensor([&] { return ref(a).gather(axis, ref(indices)); });
}

ct_tensor ct_flip(ct_tensor a, ct_ints axes) {
  return tensor([&] { return ref(a).flip(ints(axes)); });
}

ct_tensor ct_pad(ct_tensor a, ct_ints padding, double value) {
  return tensor([&] { return at::constant_pad_nd(ref(a), ints(padding), value); });
}

ct_tensor ct_concatenate(ct_tensors tensors, int64_t axis) {
  return tensor([&] { return at::cat(list(tensors), axis); });
}

ct_tensor ct_stack(ct_tensors tensors, int64_t axis) {
  return tensor([&] { return at::stack(list(tensors), axis); });
}
