// The fused convolutions that PyTorch's own compiler emits for the CPU, called through the dispatcher.
#include "dispatch.h"

using namespace ctorch;

ct_tensor ct_onednn_pack_weight(ct_tensor weight, ct_convolution o, ct_ints input_shape) {
  return tensor([&] {
    static auto pack = operation("mkldnn::_reorder_convolution_weight", "");
    torch::jit::Stack stack{
        ref(weight), both(o.padding), both(o.stride), both(o.dilation), o.groups, ints(input_shape).vec()};
    pack.callBoxed(stack);
    return stack[0].toTensor();
  });
}

ct_tensor ct_onednn_convolution(ct_tensor input, ct_tensor packed, ct_tensor bias, ct_convolution o, ct_range range) {
  return tensor([&] {
    static auto convolve = operation("mkldnn::_convolution_pointwise", "");
    const Activation activation(range);
    torch::jit::Stack stack{
        ref(input), ref(packed), optional(bias), both(o.padding), both(o.stride), both(o.dilation), o.groups,
        activation.name, activation.numbers, std::optional<std::string>()};
    convolve.callBoxed(stack);
    return stack[0].toTensor();
  });
}

int ct_onednn_convolution_sum(
    ct_tensor sum, ct_tensor input, ct_tensor packed, ct_tensor bias, ct_convolution o, ct_range range) {
  return status([&] {
    static auto convolve = operation("mkldnn::_convolution_pointwise_", "binary");
    const Activation activation(range);
    torch::jit::Stack stack{
        ref(sum), ref(input), ref(packed), optional(bias), both(o.padding), both(o.stride), both(o.dilation), o.groups,
        "add", std::optional<at::Scalar>(1.0),
        activation.name == "none" ? std::optional<std::string>() : std::optional<std::string>(activation.name),
        activation.numbers, std::optional<std::string>()};
    convolve.callBoxed(stack);
  });
}
