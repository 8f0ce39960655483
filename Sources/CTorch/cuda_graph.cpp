// A CUDA graph and the stream that it is captured on. Real only where CUDA's headers were there to compile with.
#include "internal.h"

// The first comes with libtorch's CUDA build alone; a toolkit without the last is not whole.
#if __has_include(<c10/cuda/impl/cuda_cmake_macros.h>) && __has_include(<cuda_runtime.h>) && \
    __has_include(<crt/host_config.h>)

#include <ATen/cuda/CUDAGraph.h>
#include <c10/core/Event.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAStream.h>

#include <optional>

struct ct_graph_s {
  c10::cuda::CUDAStream stream;
  std::optional<c10::cuda::CUDAStream> outer;
  at::cuda::CUDAGraph graph;
};

namespace {

/// What `later` gets to do from now on comes after all that `earlier` has been given so far.
void follow(const c10::cuda::CUDAStream &later, const c10::cuda::CUDAStream &earlier) {
  c10::Event event(c10::DeviceType::CUDA);
  event.record(earlier);
  event.block(later);
}

}  // namespace

ct_graph ct_graph_create(int device_index) {
  try {
    const auto device = static_cast<c10::DeviceIndex>(device_index);
    return new ct_graph_s{c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device), std::nullopt, {}};
  } catch (...) {
    ctorch::record_error();
    return nullptr;
  }
}

void ct_graph_free(ct_graph graph) {
  // Its memory may be given to others as soon as it is gone.
  ctorch::status([&] { graph->stream.synchronize(); });
  delete graph;
}

int ct_graph_enter(ct_graph graph) {
  return ctorch::status([&] {
    c10::cuda::set_device(graph->stream.device_index());
    graph->outer = c10::cuda::getCurrentCUDAStream(graph->stream.device_index());
    follow(graph->stream, *graph->outer);
    c10::cuda::setCurrentCUDAStream(graph->stream);
  });
}

int ct_graph_leave(ct_graph graph) {
  return ctorch::status([&] {
    const auto outer = graph->outer.value();
    follow(outer, graph->stream);
    c10::cuda::setCurrentCUDAStream(outer);
    graph->outer.reset();
  });
}

int ct_graph_begin_capture(ct_graph graph) {
  return ctorch::status([&] {
    // As torch.cuda.graph does: what is cached outside of the graph's own pool is lost to it.
    c10::cuda::device_synchronize();
    c10::cuda::CUDACachingAllocator::emptyCache();
    graph->graph.capture_begin();
  });
}

int ct_graph_end_capture(ct_graph graph) {
  return ctorch::status([&] { graph->graph.capture_end(); });
}

int ct_graph_replay(ct_graph graph) {
  return ctorch::status([&] { graph->graph.replay(); });
}

#else

namespace {

int refuse() {
  return ctorch::status(
      [] { TORCH_CHECK(false, "Kindred was built without libtorch's CUDA build or without CUDA's headers"); });
}

}  // namespace

ct_graph ct_graph_create(int) {
  refuse();
  return nullptr;
}

void ct_graph_free(ct_graph) {}
int ct_graph_enter(ct_graph) { return refuse(); }
int ct_graph_leave(ct_graph) { return refuse(); }
int ct_graph_begin_capture(ct_graph) { return refuse(); }
int ct_graph_end_capture(ct_graph) { return refuse(); }
int ct_graph_replay(ct_graph) { return refuse(); }

#endif
