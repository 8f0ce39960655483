// Convolutions, normalisation, pooling, activations and the losses built into libtorch.
#include "internal.h"

#include <ATen/ops/adaptive_avg_pool2d.h>
#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/channel_shuffle.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/elu.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/group_norm.h>
#include <ATen/ops/hardswish.h>
#include <ATen/ops/kl_div.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/smooth_l1_loss.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/softplus.h>
#include <ATen/ops/upsample_bilinear2d.h>
#include <ATen/ops/upsample_nearest2d.h>

using namespace ctorch;

ct_tensor ct_conv2d(ct_tensor input, ct_tensor weight, ct_tensor bias, ct_convolution o) {
  return tensor([&] {
    return at::conv2d(
        ref(input), ref(weight), optional(bias), both(o.stride), both(o.padding), both(o.dilation), o.groups);
  });
}

ct_tensor ct_linear(ct_tensor input, ct_tensor weight, ct_tensor bias) {
  return tensor([&] { return at::linear(ref(input), ref(weight), optional(bias)); });
}

ct_tensor ct_batch_norm(
    ct_tensor input, ct_tensor weight, ct_tensor bias, ct_tensor running_mean, ct_tensor running_variance,
    bool training, double momentum, double epsilon) {
  return tensor([&] {
    return at::batch_norm(
        ref(input), optional(weight), optional(bias), optional(running_mean), optional(running_variance), training,
        momentum, epsilon, /*cudnn_enabled=*/true);
  });
}

ct_tensor ct_relu(ct_tensor a) {
  return tensor([&] { return ref(a).relu(); });
}

ct_tensor ct_sigmoid(ct_tensor a) {
  return tensor([&] { return ref(a).sigmoid(); });
}

ct_tensor ct_tanh(ct_tensor a) {
  return tensor([&] { return ref(a).tanh(); });
}

ct_tensor ct_erf(ct_tensor a) {
  return tensor([&] { return ref(a).erf(); });
}

ct_tensor ct_gelu(ct_tensor a, bool by_tanh) {
  return tensor([&] { return at::gelu(ref(a), by_tanh ? "tanh" : "none"); });
}

ct_tensor ct_elu(ct_tensor a, double alpha) {
  return tensor([&] { return at::elu(ref(a), alpha); });
}

ct_tensor ct_leaky_relu(ct_tensor a, double slope) {
  return tensor([&] { return at::leaky_relu(ref(a), slope); });
}

ct_tensor ct_hardswish(ct_tensor a) {
  return tensor([&] { return at::hardswish(ref(a)); });
}

ct_tensor ct_layer_norm(ct_tensor a, ct_ints shape, ct_tensor weight, ct_tensor bias, double epsilon) {
  return tensor([&] { return at::layer_norm(ref(a), ints(shape), optional(weight), optional(bias), epsilon); });
}

ct_tensor ct_group_norm(ct_tensor a, int64_t groups, ct_tensor weight, ct_tensor bias, double epsilon) {
  return tensor([&] { return at::group_norm(ref(a), groups, optional(weight), optional(bias), epsilon); });
}

ct_tensor ct_softplus(ct_tensor a) {
  return tensor([&] { return at::softplus(ref(a)); });
}

ct_tensor ct_softmax(ct_tensor a, int64_t axis) {
  return tensor([&] { return at::softmax(ref(a), axis); });
}

ct_tensor ct_log_softmax(ct_tensor a, int64_t axis) {
  return tensor([&] { return at::log_softmax(ref(a), axis); });
}

ct_tensor ct_max_pool2d(ct_tensor a, ct_pooling p) {
  return tensor([&] {
    return at::max_pool2d(ref(a), both(p.kernel), both(p.stride), both(p.padding), /*dilation=*/1, p.rounds_up);
  });
}

ct_tensor ct_average_pool2d(ct_tensor a, ct_pooling p) {
  return tensor([&] {
    return at::avg_pool2d(
        ref(a), both(p.kernel), both(p.stride), both(p.padding), p.rounds_up, p.counts_padding);
  });
}

ct_tensor ct_channel_shuffle(ct_tensor a, int64_t groups) {
  return tensor([&] { return at::channel_shuffle(ref(a), groups); });
}

ct_tensor ct_adaptive_average_pool2d(ct_tensor a, int64_t height, int64_t width) {
  return tensor([&] { return at::adaptive_avg_pool2d(ref(a), {height, width}); });
}

ct_tensor ct_interpolate(ct_tensor a, int64_t height, int64_t width, bool bilinear) {
  return tensor([&] {
    if (bilinear) return at::upsample_bilinear2d(ref(a), {height, width}, /*align_corners=*/false);
    return at::upsample_nearest2d(ref(a), {height, width});
  });
}

ct_tensor ct_cross_entropy(ct_tensor logits, ct_tensor labels, bool mean, double label_smoothing) {
  return tensor([&] {
    return at::cross_entropy_loss(
        ref(logits), ref(labels), std::nullopt, mean ? at::Reduction::Mean : at::Reduction::Sum, /*ignore_index=*/-1,
        label_smoothing);
  });
}

ct_tensor ct_mean_squared_error(ct_tensor a, ct_tensor b) {
  return tensor([&] { return at::mse_loss(ref(a), ref(b)); });
}

ct_tensor ct_smooth_l1(ct_tensor a, ct_tensor b, bool mean) {
  return tensor([&] { return at::smooth_l1_loss(ref(a), ref(b), mean ? at::Reduction::Mean : at::Reduction::Sum); });
}

ct_tensor ct_kl_divergence(ct_tensor log_probabilities, ct_tensor log_targets) {
  return tensor([&] {
    return at::kl_div(ref(log_probabilities), ref(log_targets), at::Reduction::Sum, /*log_target=*/true);
  });
}
