// Element by element arithmetic, matrix products and their in-place forms.
#include "internal.h"

#include <ATen/ops/cdist.h>
#include <ATen/ops/hardtanh.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/linalg_cholesky_ex.h>
#include <ATen/ops/linalg_solve_triangular.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/rsub.h>
#include <ATen/ops/threshold.h>
#include <ATen/ops/where.h>

#include <torch/csrc/autograd/custom_function.h>

#include <cmath>

using namespace ctorch;

namespace {

/// A number of the tensor's own kind: libtorch refuses to change integers in place by floating-point ones.
at::Scalar scalar_for(ct_tensor a, double value) {
  if (at::isIntegralType(ref(a).scalar_type(), /*includeBool=*/true)) return static_cast<int64_t>(value);
  return value;
}

/// Whole for integers where it can be: every number comes as floating-point, which would make the result so too.
at::Scalar operand_for(ct_tensor a, double value) {
  const bool is_whole = value == std::floor(value) && std::abs(value) < 9e15;
  return is_whole ? scalar_for(a, value) : at::Scalar(value);
}

/// The products of a matrix's rows with each other. Backwards autograd would take two products with the matrix, one for
/// each of its places; their slopes can be summed first.
struct Gram : torch::autograd::Function<Gram> {
  static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &rows) {
    context->save_for_backward({rows});
    return at::matmul(rows, rows.mT());
  }

  static torch::autograd::variable_list backward(
      torch::autograd::AutogradContext *context, torch::autograd::variable_list slopes) {
    return {at::matmul(slopes[0].add(slopes[0].mT()), context->get_saved_variables()[0])};
  }
};

}  // namespace

ct_tensor ct_add(ct_tensor a, ct_tensor b) {
  return tensor([&] { return ref(a).add(ref(b)); });
}

ct_tensor ct_subtract(ct_tensor a, ct_tensor b) {
  return tensor([&] { return ref(a).sub(ref(b)); });
}

ct_tensor ct_multiply(ct_tensor a, ct_tensor b) {
  return tensor([&] { return ref(a).mul(ref(b)); });
}

ct_tensor ct_divide(ct_tensor a, ct_tensor b) {
  return tensor([&] { return ref(a).div(ref(b)); });
}

ct_tensor ct_add_scalar(ct_tensor a, double b) {
  return tensor([&] { return ref(a).add(operand_for(a, b)); });
}

ct_tensor ct_multiply_scalar(ct_tensor a, double b) {
  return tensor([&] { return ref(a).mul(operand_for(a, b)); });
}

ct_tensor ct_divide_scalar(ct_tensor a, double b) {
  return tensor([&] { return ref(a).div(b); });
}

ct_tensor ct_power(ct_tensor a, double exponent) {
  return tensor([&] { return ref(a).pow(exponent); });
}

ct_tensor ct_negate(ct_tensor a) {
  return tensor([&] { return ref(a).neg(); });
}

ct_tensor ct_absolute(ct_tensor a) {
  return tensor([&] { return ref(a).abs(); });
}

ct_tensor ct_square_root(ct_tensor a) {
  return tensor([&] { return ref(a).sqrt(); });
}

ct_tensor ct_exponential(ct_tensor a) {
  return tensor([&] { return ref(a).exp(); });
}

ct_tensor ct_logarithm(ct_tensor a) {
  return tensor([&] { return ref(a).log(); });
}

ct_tensor ct_affine(ct_tensor a, double scale, double shift) {
  // libtorch's only way to both in one pass: a number less a tensor times a scale.
  return tensor([&] { return at::rsub(ref(a), shift, -scale); });
}

ct_tensor ct_round(ct_tensor a) {
  return tensor([&] { return ref(a).round(); });
}

ct_tensor ct_clamp_minimum(ct_tensor a, double minimum) {
  return tensor([&] { return ref(a).clamp_min(minimum); });
}

ct_tensor ct_hardtanh(ct_tensor a, double minimum, double maximum) {
  return tensor([&] { return at::hardtanh(ref(a), minimum, maximum); });
}

ct_tensor ct_threshold(ct_tensor a, double limit, double value) {
  return tensor([&] { return at::threshold(ref(a), limit, value); });
}

ct_tensor ct_equal(ct_tensor a, ct_tensor b) {
  return tensor([&] { return ref(a).eq(ref(b)); });
}

ct_tensor ct_greater_scalar(ct_tensor a, double b) {
  return tensor([&] { return ref(a).gt(b); });
}

ct_tensor ct_equal_scalar(ct_tensor a, double b) {
  return tensor([&] { return ref(a).eq(b); });
}

ct_tensor ct_where(ct_tensor condition, ct_tensor a, ct_tensor b) {
  return tensor([&] { return at::where(ref(condition), ref(a), ref(b)); });
}

ct_tensor ct_is_finite(ct_tensor a) {
  return tensor([&] { return at::isfinite(ref(a)); });
}

ct_tensor ct_matmul(ct_tensor a, ct_tensor b) {
  return tensor([&] { return at::matmul(ref(a), ref(b)); });
}

ct_tensor ct_gram(ct_tensor a) {
  return tensor([&] { return Gram::apply(ref(a)); });
}

ct_tensor ct_cdist(ct_tensor a, ct_tensor b) {
  // Mode 2: from differences. Products of rows lose the distances that are small beside the rows.
  return tensor([&] { return at::cdist(ref(a), ref(b), /*p=*/2, /*compute_mode=*/2); });
}

ct_tensor ct_cholesky(ct_tensor a) {
  return tensor([&] {
    // Elsewhere the check would wait for the device, which ends a CUDA graph's capture.
    const bool check = ref(a).is_cpu();
    return std::get<0>(at::linalg_cholesky_ex(ref(a), /*upper=*/false, check));
  });
}

ct_tensor ct_solve_lower_triangular(ct_tensor triangle, ct_tensor b) {
  return tensor([&] { return at::linalg_solve_triangular(ref(triangle), ref(b), /*upper=*/false); });
}

int ct_index_copy_in_place(ct_tensor a, ct_tensor indices, ct_tensor rows) {
  return status([&] { ref(a).index_copy_(0, ref(indices), ref(rows)); });
}

int ct_add_in_place(ct_tensor a, ct_tensor b, double scale) {
  return status([&] { ref(a).add_(ref(b), scalar_for(a, scale)); });
}

int ct_add_scalar_in_place(ct_tensor a, double b) {
  return status([&] { ref(a).add_(scalar_for(a, b)); });
}

int ct_fill_in_place(ct_tensor a, double value) {
  return status([&] { ref(a).fill_(value); });
}

int ct_copy_in_place(ct_tensor to, ct_tensor from) {
  return status([&] { ref(to).copy_(ref(from)); });
}

int ct_relu_in_place(ct_tensor a) {
  return status([&] { ref(a).relu_(); });
}

int ct_clamp_in_place(ct_tensor a, double minimum, double maximum) {
  return status([&] { ref(a).clamp_(minimum, maximum); });
}
