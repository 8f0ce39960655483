// Processes that work together: a store that they meet in, and a group that sums and gathers tensors over them.
#include "internal.h"

#define USE_DISTRIBUTED
#define USE_C10D_GLOO

#include <c10/util/Exception.h>
#include <c10/util/Logging.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <torch/version.h>

// The first comes with libtorch's CUDA build alone.
#if __has_include(<c10/cuda/impl/cuda_cmake_macros.h>) && __has_include(<cuda_runtime.h>) && __has_include(<nccl.h>) && \
    __has_include(<nv/target>)
#define USE_C10D_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

#include <chrono>
#include <cstdlib>

using namespace ctorch;

// The shim for Gloo's headers is good while these classes have the sizes that they have with the headers themselves, as
// measured with libtorch 2.11 to 2.15 and Debian's libgloo-dev.
static_assert(TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 11 && TORCH_VERSION_MINOR <= 15, "not measured");
static_assert(sizeof(c10d::ProcessGroupGloo) == (TORCH_VERSION_MINOR < 14 ? 488 : 544));
static_assert(sizeof(c10d::ProcessGroupGloo::Options) == (TORCH_VERSION_MINOR < 13 ? 176 : 184));
static_assert(sizeof(c10d::ProcessGroupGloo::AsyncWork) == (TORCH_VERSION_MINOR < 14 ? 784 : 816));
static_assert(sizeof(c10d::ProcessGroupGloo::GlooStore) == 16);

struct ct_store_s {
  c10::intrusive_ptr<c10d::Store> store;
  uint16_t port;
};

struct ct_group_s {
  c10::intrusive_ptr<c10d::Backend> backend;
};

struct ct_work_s {
  c10::intrusive_ptr<c10d::Work> work;
};

namespace {

std::chrono::milliseconds milliseconds(double seconds) {
  return std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000));
}

std::vector<uint8_t> bytes(const void *start, size_t count) {
  const auto first = static_cast<const uint8_t *>(start);
  return {first, first + count};
}

template <class Result, class Body> Result made(Body &&body) noexcept {
  try {
    return body();
  } catch (...) {
    record_error();
    return nullptr;
  }
}

/// What fails is said by whoever called, in one line; libtorch would print its stack beside it. Its own variable still turns
/// that on.
void silence_log() {
  constexpr int fatal = 3;
  if (std::getenv("TORCH_CPP_LOG_LEVEL") == nullptr) FLAGS_caffe2_log_level = fatal;
}

ct_work started(c10::intrusive_ptr<c10d::Work> work) { return new ct_work_s{std::move(work)}; }

}  // namespace

ct_store ct_store_serve(const char *host, int port, double timeout) {
  return made<ct_store>([&] {
    silence_log();
    c10d::TCPStoreOptions options;
    options.port = static_cast<uint16_t>(port);
    options.isServer = true;
    options.waitWorkers = false;
    options.timeout = milliseconds(timeout);
    auto store = c10::make_intrusive<c10d::TCPStore>(host, options);
    const auto chosen = store->getPort();
    return new ct_store_s{std::move(store), chosen};
  });
}

ct_store ct_store_connect(const char *host, int port, double timeout) {
  return made<ct_store>([&] {
    silence_log();
    c10d::TCPStoreOptions options;
    options.port = static_cast<uint16_t>(port);
    options.waitWorkers = false;
    options.timeout = milliseconds(timeout);
    return new ct_store_s{c10::make_intrusive<c10d::TCPStore>(host, options), options.port};
  });
}

ct_store ct_store_prefixed(ct_store store, const char *prefix) {
  return made<ct_store>(
      [&] { return new ct_store_s{c10::make_intrusive<c10d::PrefixStore>(prefix, store->store), store->port}; });
}

void ct_store_free(ct_store store) { delete store; }
int ct_store_port(ct_store store) { return store->port; }

int ct_store_set(ct_store store, const char *key, const void *value, size_t count) {
  return status([&] { store->store->set(key, bytes(value, count)); });
}

int ct_store_get(ct_store store, const char *key, double timeout, void (*take)(void *, const void *, size_t), void *taker) {
  return status([&] {
    store->store->wait({key}, milliseconds(timeout));
    const auto value = store->store->get(key);
    take(taker, value.data(), value.size());
  });
}

int ct_store_has(ct_store store, const char *key, bool *has) {
  return status([&] { *has = store->store->check({key}); });
}

int ct_store_add(ct_store store, const char *key, int64_t amount, int64_t *sum) {
  return status([&] { *sum = store->store->add(key, amount); });
}

ct_group ct_group_gloo(ct_store store, int rank, int size, const char *address, double timeout) {
  return made<ct_group>([&] {
    auto options = c10d::ProcessGroupGloo::Options::create(milliseconds(timeout));
    options->devices.push_back(
        *address ? c10d::ProcessGroupGloo::createDeviceForHostname(address)
                 : c10d::ProcessGroupGloo::createDefaultDevice());
    return new ct_group_s{c10::make_intrusive<c10d::ProcessGroupGloo>(store->store, rank, size, std::move(options))};
  });
}

ct_group ct_group_nccl(ct_store store, int rank, int size, double timeout) {
  return made<ct_group>([&]() -> ct_group {
#ifdef USE_C10D_NCCL
    auto options = c10d::ProcessGroupNCCL::Options::create();
    options->timeout = milliseconds(timeout);
    return new ct_group_s{c10::make_intrusive<c10d::ProcessGroupNCCL>(store->store, rank, size, std::move(options))};
#else
    (void)store, (void)rank, (void)size, (void)timeout;
    TORCH_CHECK(false, "Kindred was built without libtorch's CUDA build, CUDA's headers or NCCL's");
#endif
  });
}

void ct_group_free(ct_group group) { delete group; }

ct_work ct_group_all_reduce(ct_group group, ct_tensor tensor, bool maximum) {
  return made<ct_work>([&] {
    std::vector<at::Tensor> tensors{ref(tensor)};
    c10d::AllreduceOptions options;
    options.reduceOp = maximum ? c10d::ReduceOp::MAX : c10d::ReduceOp::SUM;
    return started(group->backend->allreduce(tensors, options));
  });
}

ct_work ct_group_all_gather(ct_group group, ct_tensor output, ct_tensor input) {
  return made<ct_work>([&] { return started(group->backend->_allgather_base(ref(output), ref(input))); });
}

ct_work ct_group_broadcast(ct_group group, ct_tensor tensor, int root) {
  return made<ct_work>([&] {
    std::vector<at::Tensor> tensors{ref(tensor)};
    c10d::BroadcastOptions options;
    options.rootRank = root;
    return started(group->backend->broadcast(tensors, options));
  });
}

ct_work ct_group_barrier(ct_group group) {
  return made<ct_work>([&] { return started(group->backend->barrier()); });
}

int ct_work_wait(ct_work work) {
  return status([&] { TORCH_CHECK(work->work->wait(), "the collective did not succeed"); });
}

void ct_work_free(ct_work work) { delete work; }
