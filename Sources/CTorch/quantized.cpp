// The int8 convolutions that PyTorch's own compiler emits for the CPU, called through the dispatcher.
#include "dispatch.h"

using namespace ctorch;

namespace {

int64_t code(at::ScalarType type) { return static_cast<int64_t>(type); }

}  // namespace

ct_tensor ct_int8_pack_weight(
    ct_tensor int8_weight, ct_tensor scales, double input_scale, ct_convolution o, ct_ints input_shape) {
  return tensor([&] {
    static auto pack = operation("onednn::qconv_prepack", "");
    torch::jit::Stack stack{
        ref(int8_weight), ref(scales), input_scale, int64_t(0), both(o.stride), both(o.padding), both(o.dilation),
        o.groups, std::optional<std::vector<int64_t>>(ints(input_shape).vec())};
    pack.callBoxed(stack);
    return stack[0].toTensor();
  });
}

ct_tensor ct_int8_convolution(ct_tensor input, ct_int8_layer layer, double output_scale, ct_range range) {
  return tensor([&] {
    static auto convolve = operation("onednn::qconv2d_pointwise", "");
    const Activation activation(range);
    const ct_convolution &o = layer.options;
    const bool isFloat = output_scale == 0;
    torch::jit::Stack stack{
        ref(input), layer.input_scale, int64_t(0), ref(layer.packed), ref(layer.weight_scales),
        ref(layer.weight_zero_points), optional(layer.bias), both(o.stride), both(o.padding), both(o.dilation),
        o.groups, isFloat ? 1.0 : output_scale, int64_t(0), code(isFloat ? at::kFloat : at::kByte),
        activation.name, activation.numbers, std::optional<std::string>()};
    convolve.callBoxed(stack);
    return stack[0].toTensor();
  });
}

int ct_int8_convolution_sum(ct_tensor sum, ct_tensor input, ct_int8_layer layer, ct_range range) {
  return status([&] {
    static auto convolve = operation("onednn::qconv2d_pointwise", "binary");
    const Activation activation(range);
    const ct_convolution &o = layer.options;
    torch::jit::Stack stack{
        ref(input), layer.input_scale, int64_t(0), ref(layer.packed), ref(layer.weight_scales),
        ref(layer.weight_zero_points), ref(sum), optional(layer.bias), both(o.stride), both(o.padding),
        both(o.dilation), o.groups, /*output_scale=*/1.0, int64_t(0), code(at::kFloat), /*accum_scale=*/1.0,
        int64_t(0), "sum", std::optional<at::Scalar>(1.0), std::optional<std::string>(activation.name),
        activation.numbers, std::optional<std::string>()};
    convolve.callBoxed(stack);
  });
}
