// SPDX-License-Identifier: MIT
// The plugin of fake_plugin.cc as a test sees it.
#pragma once

#include <dlfcn.h>
#include <doctest/doctest.h>
#include <stdlib.h>

#include <memory>
#include <string>

#include "core/plugin/plugin_host.h"

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

// Calls the plugin's function "fake_" + `what`.
template <class Result, class... Args>
Result call_fake(const std::string& what, Args... args) {
  void* library = ::dlopen(FAKE_PLUGIN, RTLD_NOW | RTLD_LOCAL);
  REQUIRE(library != nullptr);
  const std::unique_ptr<void, int (*)(void*)> closed(library, ::dlclose);
  auto* function =
      reinterpret_cast<Result (*)(Args...)>(::dlsym(library, ("fake_" + what).c_str()));
  REQUIRE((function != nullptr));
  return function(args...);
}

// "open_generations", "open_readers", "open_cursors" or "get_calls"
inline int fake_count(const std::string& what) { return call_fake<int>(what); }

// `act` runs before each reply of the protocol is written, until this is called with NULL.
inline void before_replies(void (*act)()) { call_fake<void>("before_reply", act); }

}  // namespace goromdb::test
