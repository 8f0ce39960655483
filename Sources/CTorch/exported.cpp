// Networks that another program exported: TorchScript files and AOTInductor packages.
#include "internal.h"

#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>
#include <caffe2/serialize/inline_container.h>
#include <torch/csrc/inductor/aoti_package/model_package_loader.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include <dlfcn.h>

#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>

using namespace ctorch;

struct ct_outputs_s {
  std::vector<std::string> names;
  std::vector<at::Tensor> tensors;
  bool is_dictionary = false;
};

struct ct_exported_s {
  virtual ~ct_exported_s() = default;
  virtual std::string specification() = 0;
  virtual ct_outputs_s run(const at::Tensor &input) = 0;
};

namespace {

template <class Body> auto pointer(Body &&body) noexcept -> decltype(body()) {
  try {
    return body();
  } catch (...) {
    record_error();
    return nullptr;
  }
}

/// Packages are linked with the library that stands for all of libtorch, which a program that names its parts has not
/// loaded. Where it cannot be, a package that needs it says so.
void load_whole_library() {
  std::string part = ct_library_path();
  dlopen((part.substr(0, part.rfind('/') + 1) + "libtorch.so").c_str(), RTLD_LAZY | RTLD_GLOBAL);
}

char *copy(const std::string &text) { return strdup(text.c_str()); }

/// Lays a result flat: whatever lies in lists, tuples and dictionaries, under the path that leads to it. What is no
/// tensor is an undefined one.
void flatten(const c10::IValue &value, const std::string &path, ct_outputs_s &outputs) {
  auto below = [&](const std::string &step) { return path.empty() ? step : path + "." + step; };
  if (value.isGenericDict()) {
    for (const auto &entry : value.toGenericDict()) {
      const auto &key = entry.key();
      flatten(entry.value(), below(key.isString() ? key.toStringRef() : std::to_string(key.toInt())), outputs);
    }
  } else if (value.isTuple()) {
    const auto &elements = value.toTupleRef().elements();
    for (size_t i = 0; i < elements.size(); ++i) flatten(elements[i], below(std::to_string(i)), outputs);
  } else if (value.isList()) {
    const auto elements = value.toListRef();
    for (size_t i = 0; i < elements.size(); ++i) flatten(elements[i], below(std::to_string(i)), outputs);
  } else {
    outputs.names.push_back(path.empty() ? "0" : path);
    outputs.tensors.push_back(value.isTensor() ? value.toTensor() : at::Tensor());
  }
}

struct Script final : ct_exported_s {
  torch::jit::Module module;

  Script(const char *path, at::Device device) : module(torch::jit::load(path, device)) { module.eval(); }

  std::string specification() override { return ""; }

  ct_outputs_s run(const at::Tensor &input) override {
    // Optimised after it has seen some batches, a network would compute its first ones otherwise than later ones, and
    // a run that is resumed begins with a first one again.
    torch::jit::GraphOptimizerEnabledGuard plain(false);
    auto result = module.forward({input});
    ct_outputs_s outputs;
    outputs.is_dictionary = result.isGenericDict();
    flatten(result, "", outputs);
    return outputs;
  }
};

/// Stands before std::cerr and keeps what a package says on this thread while it runs: up to libtorch 2.12 the reason of
/// a failure is printed there and nowhere else.
class Listener final : public std::streambuf {
 public:
  static thread_local std::string *heard;

  /// Once, and for good: other threads may be printing at any time.
  static void install() {
    static auto *listener = new Listener(std::cerr.rdbuf());
    std::cerr.rdbuf(listener);
  }

 protected:
  int overflow(int character) override {
    if (character == traits_type::eof()) return traits_type::not_eof(character);
    if (heard == nullptr) return behind_->sputc(static_cast<char>(character));
    heard->push_back(static_cast<char>(character));
    return character;
  }

  std::streamsize xsputn(const char *text, std::streamsize count) override {
    if (heard == nullptr) return behind_->sputn(text, count);
    heard->append(text, count);
    return count;
  }

  int sync() override { return behind_->pubsync(); }

 private:
  explicit Listener(std::streambuf *behind) : behind_(behind) {}
  std::streambuf *behind_;
};

thread_local std::string *Listener::heard = nullptr;

struct Package final : ct_exported_s {
  torch::inductor::AOTIModelPackageLoader loader;

  Package(const char *path, const char *model, at::Device device)
      : loader(path, model, /*run_single_threaded=*/false, /*num_runners=*/1, device.index()) {}

  std::string specification() override {
    auto specifications = loader.get_call_spec();
    return specifications.size() > 1 ? specifications[1] : "";
  }

  ct_outputs_s run(const at::Tensor &input) override {
    std::string words;
    Listener::heard = &words;
    auto tensors = [&] {
      try {
        auto tensors = loader.run({input});
        Listener::heard = nullptr;
        return tensors;
      } catch (...) {
        Listener::heard = nullptr;
        if (words.empty()) throw;
        throw std::runtime_error(words);
      }
    }();
    ct_outputs_s outputs;
    outputs.tensors = std::move(tensors);
    return outputs;
  }
};

}  // namespace

char *ct_archive_entries(const char *path) {
  return pointer([&] {
    caffe2::serialize::PyTorchStreamReader reader((std::string(path)));
    std::string names;
    for (const auto &name : reader.getAllRecords()) names += name + "\n";
    return copy(names);
  });
}

char *ct_archive_text(const char *path, const char *entry) {
  return pointer([&] {
    caffe2::serialize::PyTorchStreamReader reader((std::string(path)));
    // What a package says of itself is a page; a small file may claim, and unpack to, any size.
    if (reader.getRecordSize(entry) > (1 << 20)) throw std::runtime_error(std::string(entry) + " is too large");
    auto [data, size] = reader.getRecord(entry);
    return copy(std::string(static_cast<const char *>(data.get()), size));
  });
}

ct_exported ct_torchscript_load(const char *path, ct_options o) {
  return pointer([&]() -> ct_exported { return new Script(path, device(o)); });
}

ct_exported ct_package_load(const char *path, const char *model, ct_options o) {
  return pointer([&]() -> ct_exported {
    // A package trusts its input unless it is told to look, and reads beyond the end of one that is too small.
    setenv("AOTI_RUNTIME_CHECK_INPUTS", "1", /*overwrite=*/1);
    Listener::install();
    load_whole_library();
    return new Package(path, model, device(o));
  });
}

void ct_exported_free(ct_exported model) {
  status([&] { delete model; });
}

char *ct_exported_specification(ct_exported model) {
  return pointer([&] { return copy(model->specification()); });
}

ct_outputs ct_exported_run(ct_exported model, ct_tensor input) {
  return pointer([&] {
    c10::NoGradGuard guard;
    return new ct_outputs_s(model->run(ref(input)));
  });
}

void ct_outputs_free(ct_outputs outputs) { delete outputs; }
size_t ct_outputs_count(ct_outputs outputs) { return outputs->tensors.size(); }
bool ct_outputs_are_dictionary(ct_outputs outputs) { return outputs->is_dictionary; }

const char *ct_outputs_name(ct_outputs outputs, size_t index) {
  return index < outputs->names.size() ? outputs->names[index].c_str() : nullptr;
}

ct_tensor ct_outputs_tensor(ct_outputs outputs, size_t index) {
  return tensor([&] { return outputs->tensors.at(index); });
}
