// Random generators with a state of their own, and the draws from them.
#include "internal.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/randperm.h>
#include <c10/core/GradMode.h>

using namespace ctorch;

namespace {
at::Generator &ref(ct_generator generator) { return *reinterpret_cast<at::Generator *>(generator); }
}  // namespace

ct_generator ct_generator_create(uint64_t seed) {
  return reinterpret_cast<ct_generator>(new at::Generator(at::make_generator<at::CPUGeneratorImpl>(seed)));
}

void ct_generator_free(ct_generator generator) { delete &ref(generator); }

ct_tensor ct_generator_state(ct_generator generator) {
  return tensor([&] { return ref(generator).get_state(); });
}

int ct_generator_set_state(ct_generator generator, ct_tensor state) {
  return status([&] { ref(generator).set_state(ctorch::ref(state)); });
}

int ct_uniform_in_place(ct_tensor a, double low, double high, ct_generator generator) {
  return status([&] {
    c10::NoGradGuard guard;
    ctorch::ref(a).uniform_(low, high, ref(generator));
  });
}

int ct_normal_in_place(ct_tensor a, double mean, double deviation, ct_generator generator) {
  return status([&] {
    c10::NoGradGuard guard;
    ctorch::ref(a).normal_(mean, deviation, ref(generator));
  });
}

ct_tensor ct_random_permutation(int64_t count, ct_generator generator) {
  return tensor([&] { return at::randperm(count, ref(generator), at::TensorOptions().dtype(at::kLong)); });
}
