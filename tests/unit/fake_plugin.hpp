// SPDX-License-Identifier: MIT
// The plugin of fake_plugin.cc as a test sees it.
#pragma once

#include <dlfcn.h>
#include <doctest/doctest.h>
#include <stdlib.h>

#include <memory>
#include <string>

#include "core/plugin_host.h"

namespace goromdb::test {

// Sets an environment variable for as long as it lives.
class Env {
 public:
  Env(const char* name, const std::string& value) : name_(name) {
    ::setenv(name, value.c_str(), 1);
  }
  ~Env() { ::unsetenv(name_); }
  Env(const Env&) = delete;
  Env& operator=(const Env&) = delete;

 private:
  const char* name_;
};

inline Result<std::shared_ptr<Plugin>> load_fake(uint16_t kind = GOROMDB_KIND_STORAGE) {
  if (kind == GOROMDB_KIND_STORAGE) return Plugin::load(FAKE_PLUGIN);
  Env protocol("FAKE_KIND", "protocol");
  return Plugin::load(FAKE_PLUGIN);
}

template <class Instance>
std::unique_ptr<Instance> fake_instance(uint16_t kind, Metrics& metrics, uint32_t loops) {
  auto plugin = load_fake(kind);
  REQUIRE(plugin.has_value());
  auto options = OptionValues::parse(**plugin, {});
  REQUIRE(options.has_value());
  auto instance = Instance::create(*plugin, "fake", *options, metrics, loops);
  REQUIRE(instance.has_value());
  return std::move(*instance);
}
inline std::unique_ptr<Storage> fake_storage(Metrics& metrics, uint32_t loops) {
  return fake_instance<Storage>(GOROMDB_KIND_STORAGE, metrics, loops);
}

// "open_generations", "open_readers" or "get_calls"
inline int fake_count(const std::string& what) {
  void* library = ::dlopen(FAKE_PLUGIN, RTLD_NOW | RTLD_LOCAL);
  REQUIRE(library != nullptr);
  auto* count = reinterpret_cast<int (*)()>(::dlsym(library, ("fake_" + what).c_str()));
  REQUIRE((count != nullptr));
  const int n = count();
  ::dlclose(library);
  return n;
}

}  // namespace goromdb::test
