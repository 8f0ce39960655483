// Sums, means, norms, extremes and orders.
#include "internal.h"

#include <ATen/ops/linalg_vector_norm.h>

#include <torch/csrc/autograd/custom_function.h>

#include <numeric>

using namespace ctorch;

namespace {

/// The axes to reduce, all of them where none is named.
std::vector<int64_t> axes_of(const at::Tensor &a, ct_ints axes) {
  if (axes.count > 0) return {axes.values, axes.values + axes.count};
  std::vector<int64_t> all(a.dim());
  std::iota(all.begin(), all.end(), 0);
  return all;
}

/// The mean of the squares. Backwards autograd would make a contiguous gradient as large as the squares and multiply it
/// twice; here it is one product, in the layout of the values.
struct MeanSquare : torch::autograd::Function<MeanSquare> {
  static at::Tensor forward(
      torch::autograd::AutogradContext *context, const at::Tensor &values, const std::vector<int64_t> &axes) {
    context->save_for_backward({values});
    at::Tensor mean = values.mul(values).mean(axes);
    std::vector<int64_t> kept = values.sizes().vec();
    for (const int64_t axis : axes) kept[at::maybe_wrap_dim(axis, values.dim())] = 1;
    context->saved_data["kept"] = kept;
    context->saved_data["scale"] = 2 * static_cast<double>(mean.numel()) / static_cast<double>(values.numel());
    return mean;
  }

  static torch::autograd::variable_list backward(
      torch::autograd::AutogradContext *context, torch::autograd::variable_list slopes) {
    const at::Tensor slope = slopes[0].mul(context->saved_data["scale"].toDouble());
    const at::Tensor values = context->get_saved_variables()[0];
    return {values.mul(slope.reshape(context->saved_data["kept"].toIntVector())), at::Tensor()};
  }
};

}  // namespace

ct_tensor ct_sum(ct_tensor a, ct_ints axes, bool keep) {
  return tensor([&] { return ref(a).sum(axes_of(ref(a), axes), keep); });
}

ct_tensor ct_mean(ct_tensor a, ct_ints axes, bool keep) {
  return tensor([&] { return ref(a).mean(axes_of(ref(a), axes), keep); });
}

ct_tensor ct_mean_square(ct_tensor a, ct_ints axes) {
  return tensor([&] { return MeanSquare::apply(ref(a), axes_of(ref(a), axes)); });
}

ct_tensor ct_norm(ct_tensor a, ct_ints axes, bool keep) {
  return tensor([&] { return at::linalg_vector_norm(ref(a), 2, axes_of(ref(a), axes), keep); });
}

ct_tensor ct_variance(ct_tensor a, ct_ints axes, bool keep, bool unbiased) {
  return tensor([&] { return ref(a).var(axes_of(ref(a), axes), unbiased, keep); });
}

ct_tensor ct_log_sum_exp(ct_tensor a, ct_ints axes, bool keep) {
  return tensor([&] { return ref(a).logsumexp(axes_of(ref(a), axes), keep); });
}

ct_tensor ct_amax(ct_tensor a, ct_ints axes, bool keep) {
  return tensor([&] { return ref(a).amax(axes_of(ref(a), axes), keep); });
}

ct_tensor ct_amin(ct_tensor a, ct_ints axes, bool keep) {
  return tensor([&] { return ref(a).amin(axes_of(ref(a), axes), keep); });
}

ct_tensor ct_argmax(ct_tensor a, int64_t axis) {
  return tensor([&] { return ref(a).argmax(axis); });
}

ct_tensor ct_argsort(ct_tensor a, int64_t axis, bool descending) {
  return tensor([&] { return ref(a).argsort(/*stable=*/true, axis, descending); });
}

ct_tensor ct_top_indices(ct_tensor a, int64_t count, int64_t axis) {
  return tensor([&] { return std::get<1>(ref(a).topk(count, axis)); });
}
