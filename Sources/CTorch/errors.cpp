// The calling thread's last error.
#include "internal.h"

#include <c10/util/Exception.h>

#include <string>

namespace {
thread_local std::string last_error;
thread_local bool is_out_of_memory = false;
}  // namespace

void ctorch::record_error() noexcept {
  is_out_of_memory = false;
  try {
    throw;
  } catch (const c10::OutOfMemoryError &error) {
    is_out_of_memory = true;
    last_error = error.what_without_backtrace();
  } catch (const c10::Error &error) {
    last_error = error.what_without_backtrace();
    // The CPU's allocator has no error class of its own.
    is_out_of_memory = last_error.find("can't allocate memory") != std::string::npos;
  } catch (const std::bad_alloc &error) {
    is_out_of_memory = true;
    last_error = "out of memory";
  } catch (const std::exception &error) {
    last_error = error.what();
  } catch (...) {
    last_error = "an unknown C++ exception";
  }
}

const char *ct_last_error(void) { return last_error.c_str(); }
bool ct_last_error_is_out_of_memory(void) { return is_out_of_memory; }
