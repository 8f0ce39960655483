// Recording and running the backward pass.
#include "internal.h"

#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>
#include <torch/custom_class.h>

#include <memory>

using namespace ctorch;

namespace {

/// Something of the caller's that goes with a graph.
using Context = std::unique_ptr<void, void (*)(void *)>;

/// The caller's way back.
struct Callback : torch::CustomClassHolder {
  Callback(ct_tensor (*call)(void *, ct_tensor), Context context) : call(call), context(std::move(context)) {}

  ct_tensor (*call)(void *, ct_tensor);
  Context context;
};

/// A step of the graph whose result is there already and whose way back is the caller's.
struct Given : torch::autograd::Function<Given> {
  static at::Tensor forward(
      torch::autograd::AutogradContext *context, const at::Tensor &, const at::Tensor &output,
      const c10::intrusive_ptr<Callback> &callback) {
    context->saved_data["callback"] = c10::IValue::make_capsule(callback);
    return output.detach();
  }

  static torch::autograd::variable_list backward(
      torch::autograd::AutogradContext *context, torch::autograd::variable_list gradients) {
    const auto callback = c10::static_intrusive_pointer_cast<Callback>(context->saved_data["callback"].toCapsule());
    const auto result = callback->call(callback->context.get(), wrap(gradients[0]));
    TORCH_CHECK(result != nullptr, ct_last_error());
    auto gradient = ref(result);
    ct_free(result);
    return {std::move(gradient), at::Tensor(), at::Tensor()};
  }
};

struct GradientHook : torch::autograd::PostAccumulateGradHook {
  GradientHook(void (*call)(void *), Context context) : call(call), context(std::move(context)) {}
  void operator()(const at::Tensor &) override { call(context.get()); }

  void (*call)(void *);
  Context context;
};

}  // namespace

bool ct_requires_gradient(ct_tensor tensor) { return ref(tensor).defined() && ref(tensor).requires_grad(); }

int ct_set_requires_gradient(ct_tensor tensor, bool value) {
  return status([&] { ref(tensor).set_requires_grad(value); });
}

bool ct_gradients_enabled(void) { return c10::GradMode::is_enabled(); }
void ct_set_gradients_enabled(bool enabled) { c10::GradMode::set_enabled(enabled); }

int ct_backward(ct_tensor loss) {
  return status([&] { ref(loss).backward(); });
}

ct_tensor ct_gradient(ct_tensor handle) {
  return tensor([&] { return ref(handle).grad(); });
}

int ct_set_gradient(ct_tensor tensor, ct_tensor gradient) {
  return status([&] { ref(tensor).mutable_grad() = ref(gradient); });
}

void ct_clear_gradient(ct_tensor tensor) { ref(tensor).mutable_grad() = at::Tensor(); }

int ct_gradients(ct_tensor output, ct_tensors inputs, bool keep_graph, ct_tensor *gradients) {
  return status([&] {
    auto results = torch::autograd::grad(
        {ref(output)}, list(inputs), {}, keep_graph, /*create_graph=*/false, /*allow_unused=*/true);
    for (size_t i = 0; i < results.size(); ++i) gradients[i] = wrap(results[i]);
  });
}

ct_tensor ct_with_backward(
    ct_tensor output, ct_tensor input, ct_tensor (*call)(void *, ct_tensor), void (*release)(void *), void *owner) {
  Context context(owner, release);
  return tensor([&] {
    return Given::apply(ref(input), ref(output), c10::make_intrusive<Callback>(call, std::move(context)));
  });
}

int ct_on_gradient(ct_tensor tensor, void (*call)(void *), void (*release)(void *), void *owner) {
  Context context(owner, release);
  return status([&] {
    auto hook = std::make_unique<GradientHook>(call, std::move(context));
    torch::autograd::impl::set_post_acc_grad_hooks(ref(tensor), std::move(hook));
  });
}

int ct_off_gradient(ct_tensor tensor) {
  return status([&] { torch::autograd::impl::set_post_acc_grad_hooks(ref(tensor), nullptr); });
}
