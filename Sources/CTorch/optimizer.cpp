// libtorch's fused optimiser steps, and what is done to all gradients or weights at once.
#include "internal.h"

#include <ATen/ops/_foreach_lerp.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/_fused_sgd.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/stack.h>
#include <c10/core/GradMode.h>

using namespace ctorch;

int ct_fused_sgd(ct_tensors parameters, ct_tensors gradients, ct_tensors momenta, ct_tensor rate, ct_sgd o) {
  return status([&] {
    c10::NoGradGuard guard;
    const auto step = [&](const auto &rate) {
      at::_fused_sgd_(
          list(parameters), list(gradients), list(momenta), o.weight_decay, o.momentum, rate, /*dampening=*/0.0,
          o.nesterov, /*maximize=*/false, o.is_first_step);
    };
    rate ? step(ref(rate)) : step(o.learning_rate);
  });
}

int ct_fused_adamw(
    ct_tensors parameters, ct_tensors gradients, ct_tensors first_moments, ct_tensors second_moments,
    ct_tensors steps, ct_tensor rate, ct_adamw o) {
  return status([&] {
    c10::NoGradGuard guard;
    const auto step = [&](const auto &rate) {
      at::_fused_adamw_(
          list(parameters), list(gradients), list(first_moments), list(second_moments), {}, list(steps), rate, o.beta1,
          o.beta2, o.weight_decay, o.epsilon, /*amsgrad=*/false, /*maximize=*/false);
    };
    rate ? step(ref(rate)) : step(o.learning_rate);
  });
}

ct_tensor ct_clip_gradients(ct_tensors gradients, double largest_norm) {
  return tensor([&] {
    c10::NoGradGuard guard;
    const auto all = list(gradients);
    const auto norm = at::linalg_vector_norm(at::stack(at::_foreach_norm(all)), 2);
    at::_foreach_mul_(all, norm.add(1e-6).reciprocal().mul(largest_norm).clamp_max(1));
    return norm;
  });
}

int ct_lerp_in_place(ct_tensors tensors, ct_tensors targets, double weight) {
  return status([&] {
    c10::NoGradGuard guard;
    at::_foreach_lerp_(list(tensors), list(targets), weight);
  });
}
