// Images as bytes, before they are tensors: called from threads that load data beside the one that computes.
#include "internal.h"

#include <ATen/Parallel.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/_upsample_bilinear2d_aa.h>
#include <ATen/ops/from_blob.h>

using namespace ctorch;

// OpenMP's own, which libtorch brings along; absent from a libtorch that was built without OpenMP.
extern "C" __attribute__((weak)) void omp_set_num_threads(int count);

namespace {

/// Lets the calling thread compute alone. libtorch's own function for the number of threads is the whole process's.
class Alone {
 public:
  Alone() : threads_(at::get_num_threads()) { set(1); }
  ~Alone() { set(threads_); }
  Alone(const Alone &) = delete;
  Alone &operator=(const Alone &) = delete;

 private:
  static void set(int count) {
    if (omp_set_num_threads != nullptr) omp_set_num_threads(count);
  }

  int threads_;
};

/// The memory itself, as a batch of one image whose channels are last.
at::Tensor view(ct_pixels image, int64_t channels) {
  const auto [height, width] = image.size;
  return at::from_blob(
      image.bytes, {1, channels, height, width}, {height * width * channels, 1, width * channels, channels},
      at::TensorOptions().dtype(at::kByte));
}

}  // namespace

int ct_upsample_bilinear2d_aa(ct_pixels from, ct_pixels to, int64_t channels) {
  return status([&] {
    // With AVX2 the kernel stays in one thread; others would wake the thread's pool.
    Alone alone;
    at::AutoDispatchBelowADInplaceOrView no_gradients;
    auto output = view(to, channels);
    at::_upsample_bilinear2d_aa_out(
        output, view(from, channels), {to.size.height, to.size.width}, /*align_corners=*/false);
  });
}
