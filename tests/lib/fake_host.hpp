// SPDX-License-Identifier: MIT
// A host for unit tests of plugins: log lines are kept, arenas are plain allocations, replies
// become strings.
#pragma once

#include <goromdb/sdk.hpp>

#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

struct goromdb_arena {
  std::vector<void*> blocks;
  std::vector<std::pair<void (*)(void*), void*>> on_free;

  void* alloc(size_t n, size_t align) {
    if (align < sizeof(void*)) align = sizeof(void*);
    void* p = std::aligned_alloc(align, (n + align - 1) / align * align + align);
    blocks.push_back(p);
    return p;
  }
  ~goromdb_arena() {
    for (auto [fn, ctx] : on_free) fn(ctx);
    for (void* p : blocks) std::free(p);
  }
};

namespace goromdb::test {

class FakeHost {
 public:
  std::vector<std::pair<int32_t, std::string>> log;
  std::vector<std::string> metric_names;
  std::vector<int64_t> metrics;
  std::function<int32_t(uint64_t, uint64_t)> on_progress = [](uint64_t, uint64_t) { return 0; };

  FakeHost() {
    table_.struct_size = sizeof table_;
    table_.abi_minor = GOROMDB_ABI_MINOR;
    table_.ctx = this;
    table_.core_version = "0.0.0-test";
    table_.loop_count = 1;
    table_.log_enabled = [](void*, int32_t) -> int32_t { return 1; };
    table_.log = [](void* ctx, int32_t level, const char* msg, size_t len) {
      static_cast<FakeHost*>(ctx)->log.emplace_back(level, std::string(msg, len));
    };
    table_.arena_alloc = [](goromdb_arena* a, size_t n, size_t align) {
      return a->alloc(n, align);
    };
    table_.arena_on_free = [](goromdb_arena* a, void (*fn)(void*), void* ctx) {
      a->on_free.emplace_back(fn, ctx);
    };
    table_.metric = [](void* ctx, const char* name, int32_t, const char*) {
      auto* host = static_cast<FakeHost*>(ctx);
      host->metric_names.emplace_back(name);
      host->metrics.push_back(0);
      return static_cast<uint32_t>(host->metrics.size() - 1);
    };
    table_.metric_add = [](void* ctx, uint32_t metric, uint32_t, int64_t delta) {
      static_cast<FakeHost*>(ctx)->metrics.at(metric) += delta;
    };
    table_.progress = [](void* ctx, uint64_t done, uint64_t total) {
      return static_cast<FakeHost*>(ctx)->on_progress(done, total);
    };
    table_.extension = [](void*, const char*) -> const void* { return nullptr; };
  }
  FakeHost(const FakeHost&) = delete;
  FakeHost& operator=(const FakeHost&) = delete;

  const goromdb_host* table() const { return &table_; }
  void lend_threads(uint32_t most) { table_.threads = most; }
  void hint(uint64_t hints) { table_.hints = hints; }

 private:
  goromdb_host table_{};
};

// Option values as the core would hand them over: the declared defaults, changed by `set` (name ->
// num or str; an enum's num is its index in choices).
class OptionValues {
 public:
  explicit OptionValues(const goromdb_plugin* plugin)
      : plugin_(plugin), values_(plugin->option_count) {
    for (uint32_t i = 0; i < plugin->option_count; ++i) {
      if (plugin->options[i].def != nullptr) set(plugin->options[i].name, plugin->options[i].def);
    }
  }
  void set(const std::string& name, const std::string& text) {
    for (uint32_t i = 0; i < plugin_->option_count; ++i) {
      const goromdb_option& o = plugin_->options[i];
      if (name != o.name) continue;
      texts_[name] = text;
      goromdb_option_value& v = values_[i];
      v.is_set = 1;
      v.str = slice(texts_[name]);
      if (o.type == GOROMDB_OPT_BOOL) {
        v.num = text == "true";
      } else if (o.type == GOROMDB_OPT_ENUM) {
        std::string_view rest = o.choices;
        for (v.num = 0; rest.substr(0, rest.find('|')) != text; ++v.num) {
          rest.remove_prefix(rest.find('|') + 1);
        }
      } else if (o.type != GOROMDB_OPT_STRING) {
        v.num = number(text);
      }
      return;
    }
    throw std::runtime_error("no option " + name);
  }
  const goromdb_option_value* data() const { return values_.data(); }
  uint32_t size() const { return static_cast<uint32_t>(values_.size()); }

 private:
  static int64_t number(const std::string& text) {
    size_t end = 0;
    int64_t n = std::stoll(text, &end);
    static const std::map<std::string, int64_t> kUnits = {{"", 1},
                                                          {"KiB", 1 << 10},
                                                          {"MiB", 1 << 20},
                                                          {"GiB", int64_t{1} << 30},
                                                          {"TiB", int64_t{1} << 40},
                                                          {"ms", 1},
                                                          {"s", 1000},
                                                          {"m", 60000}};
    return n * kUnits.at(text.substr(end));
  }

  const goromdb_plugin* plugin_;
  std::vector<goromdb_option_value> values_;
  std::map<std::string, std::string> texts_;
};

// A reply sink; starts with `room` bytes so that tests can make grow() happen at any place.
class StringOut {
 public:
  explicit StringOut(size_t room = 64) : buf_(room) {
    out_.self = this;
    out_.out.cur = buf_.data();
    out_.out.end = buf_.data() + buf_.size();
    out_.out.grow = [](goromdb_out* out, size_t need) -> int32_t {
      owner(out)->flush();
      owner(out)->buf_.resize(need);
      out->cur = owner(out)->buf_.data();
      out->end = out->cur + need;
      return 0;
    };
    out_.out.value = [](goromdb_out* out, const goromdb_value* v) {
      owner(out)->flush();
      owner(out)->text_.append(static_cast<const char*>(v->ptr), v->len);
    };
  }
  StringOut(const StringOut&) = delete;
  StringOut& operator=(const StringOut&) = delete;

  goromdb_out* get() { return &out_.out; }
  const std::string& text() {
    flush();
    return text_;
  }

 private:
  struct Tagged {
    goromdb_out out;
    StringOut* self;
  };
  static StringOut* owner(goromdb_out* out) { return reinterpret_cast<Tagged*>(out)->self; }
  void flush() {
    text_.append(reinterpret_cast<char*>(buf_.data()),
                 static_cast<size_t>(out_.out.cur - buf_.data()));
    out_.out.cur = buf_.data();
    out_.out.end = buf_.data() + buf_.size();
  }

  Tagged out_{};
  std::vector<uint8_t> buf_;
  std::string text_;
};

}  // namespace goromdb::test
