// The library's version, its threads and the machine's devices.
#include "internal.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/cpu/Utils.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <torch/version.h>

#include <dlfcn.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <string>

const char *ct_version(void) { return TORCH_VERSION; }

const char *ct_library_path(void) {
  Dl_info info;
  return dladdr(reinterpret_cast<const void *>(&at::get_num_threads), &info) ? info.dli_fname : nullptr;
}

const char *ct_cpu_capability(void) {
  static const std::string capability = at::get_cpu_capability();
  return capability.c_str();
}

bool ct_has_int8_products(void) { return at::cpu::is_avx512_vnni_supported(); }

int ct_set_thread_count(int count) {
  return ctorch::status([&] { at::set_num_threads(count); });
}

int ct_thread_count(void) { return at::get_num_threads(); }
void ct_set_flush_denormals(bool enabled) { at::globalContext().setFlushDenormal(enabled); }

void ct_keep_freed_memory(void) {
#ifdef __GLIBC__
  mallopt(M_TRIM_THRESHOLD, -1);
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TOP_PAD, 64 << 20);
#endif
}

void ct_set_deterministic_convolutions(bool enabled) { at::globalContext().setDeterministicCuDNN(enabled); }
int ct_cuda_device_count(void) { return at::detail::getCUDAHooks().deviceCount(); }
