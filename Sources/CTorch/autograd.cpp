// Recording and running the backward pass.
#include "internal.h"

#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

using namespace ctorch;

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
