// As much of Gloo's interface as libtorch's ProcessGroupGloo.hpp needs to be compiled: libtorch has Gloo inside, but none of
// its headers. Kindred makes no object of these classes and calls none of their functions; distributed.cpp checks that the
// class which does has the size that it has with Gloo's own headers.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace gloo {

class Context {
 public:
  void setTimeout(std::chrono::milliseconds timeout);
};

namespace transport {
class Device;
class UnboundBuffer;
}  // namespace transport

}  // namespace gloo
