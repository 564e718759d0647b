// SPDX-License-Identifier: MIT
// Measures the plugin through its C table, and libdb beside it: bench-storage-bdb [ENTRIES
// [BYTES-A-VALUE [ROUNDS]]]. Builds a file of 1,000,000 entries into a temporary folder. Prints the
// CPU time of opening and verifying it with `index` none and hash; then, in turn in each round, a
// look-up of libdb's own in a loop, in each way that a server's loops could share or not share it,
// and of the plugin in batches: CPU and elapsed time a key, medians of the rounds, and the ratio of
// each to the first row's. Elapsed time says something on an idle machine with two CPUs only.
#include <db.h>
#include <goromdb/plugin.h>

#include <time.h>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "fake_host.hpp"

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

std::string key(uint64_t i) { return "key-" + std::to_string(10000000000 + i * 7919); }

goromdb_slice slice(const std::string& s) { return {s.data(), s.size()}; }

void must(int code) {
  if (code == 0) return;
  std::fprintf(stderr, "%s\n", db_strerror(code));
  std::exit(1);
}

// ---- libdb in a loop

struct Way {
  const char* name;
  bool maps;
  uint32_t cache_mib;
  bool shares;  // one environment and one handle with DB_THREAD for all threads
};

struct Loop {
  DB_ENV* env = nullptr;
  DB* db = nullptr;
};

Loop opened(const std::string& path, const Way& way) {
  Loop loop;
  const uint32_t thread = way.shares ? DB_THREAD : 0;
  must(db_env_create(&loop.env, 0));
  must(loop.env->set_cachesize(loop.env, 0, way.cache_mib << 20, 1));
  must(loop.env->set_mp_mmapsize(loop.env, way.maps ? SIZE_MAX / 2 : 1));
  must(loop.env->open(loop.env, nullptr, DB_PRIVATE | DB_INIT_MPOOL | DB_CREATE | thread, 0));
  must(db_create(&loop.db, loop.env, 0));
  must(loop.db->open(loop.db, nullptr, path.c_str(), nullptr, DB_UNKNOWN, DB_RDONLY | thread, 0));
  return loop;
}

void get_all(const Loop& loop, const std::vector<std::string>& names, size_t begin, size_t n) {
  std::vector<char> room(size_t{1} << 20);
  for (size_t i = 0; i < n; ++i) {
    const auto& name = names[(begin + i) % names.size()];
    DBT wanted{}, value{};
    wanted.data = const_cast<char*>(name.data());
    wanted.size = static_cast<uint32_t>(name.size());
    // The only way with DB_THREAD that does not allocate.
    value.flags = DB_DBT_USERMEM;
    value.data = room.data();
    value.ulen = static_cast<uint32_t>(room.size());
    must(loop.db->get(loop.db, nullptr, &wanted, &value, 0));
  }
}

// ---- the plugin

class Plugin {
 public:
  explicit Plugin(const char* index) : options_(plugin_) {
    options_.set("index", index);
    check(ops_.create(host_.table(), options_.data(), options_.size(), &store_, &error_));
  }
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;
  ~Plugin() {
    if (reader_ != nullptr) ops_.reader_close(reader_);
    if (generation_ != nullptr) ops_.close(generation_);
    ops_.destroy(store_);
  }

  void build(const std::string& path, uint64_t entries, const std::string& value) {
    goromdb_builder* builder = nullptr;
    check(ops_.build_open(store_, path.c_str(), entries, &builder, &error_));
    for (uint64_t i = 0; i < entries; ++i) {
      const std::string name = key(i);
      check(ops_.build_put(builder, {}, slice(name), slice(value), 0, &error_));
    }
    check(ops_.build_finish(builder, &error_));
    ops_.build_close(builder);
  }
  void open(const std::string& path) {
    check(ops_.open(store_, path.c_str(), 1, &generation_, &error_));
  }
  void verify() { check(ops_.verify(generation_, &error_)); }
  void read() { check(ops_.reader_open(generation_, 0, &reader_, &error_)); }

  void get_all(const std::vector<std::string>& names, size_t begin, size_t n, uint32_t batch) {
    std::vector<goromdb_key> keys(batch);
    std::vector<goromdb_value> values(batch);
    for (size_t i = 0; i < n; i += batch) {
      for (uint32_t j = 0; j < batch; ++j) {
        const std::string& name = names[(begin + i + j) % names.size()];
        keys[j] = {name.data(), static_cast<uint32_t>(name.size()), 0};
      }
      goromdb_arena arena;
      ops_.get(reader_, 0, keys.data(), batch, values.data(), &arena);
      for (const auto& value : values) check(value.status);
    }
  }

 private:
  void check(goromdb_status status) {
    if (status == GOROMDB_OK) return;
    std::fprintf(stderr, "status %d: %s\n", status, error_.msg);
    std::exit(1);
  }

  const goromdb_plugin* plugin_ = goromdb_plugin_v0();
  const goromdb_storage_ops& ops_ = *plugin_->storage;
  goromdb::test::FakeHost host_;
  goromdb::test::OptionValues options_;
  goromdb_error error_{sizeof error_, 0, {}};
  goromdb_store* store_ = nullptr;
  goromdb_generation* generation_ = nullptr;
  goromdb_reader* reader_ = nullptr;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// In nanoseconds.
double cpu_of_thread() {
  timespec t;
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

double milliseconds_of_cpu(const std::function<void()>& step) {
  const double before = cpu_of_thread();
  step();
  return (cpu_of_thread() - before) / 1e6;
}

// Nanoseconds for each of the n look-ups of a thread.
struct Cost {
  double cpu = 0, elapsed = 0;
};

// Runs the bodies at once, a thread each.
Cost per_key(size_t n, const std::vector<std::function<void()>>& bodies) {
  std::vector<double> cpu(bodies.size());
  std::vector<std::thread> threads;
  const auto begin = Clock::now();
  for (size_t i = 0; i < bodies.size(); ++i) {
    threads.emplace_back([&, i] {
      const double before = cpu_of_thread();
      bodies[i]();
      cpu[i] = cpu_of_thread() - before;
    });
  }
  for (auto& thread : threads) thread.join();
  const double elapsed = seconds_since(begin) * 1e9;
  const auto keys = static_cast<double>(n);
  return {std::accumulate(cpu.begin(), cpu.end(), 0.0) / keys / static_cast<double>(cpu.size()),
          elapsed / keys};
}

struct Row {
  std::string name;
  std::function<Cost(size_t round)> measure;
  std::vector<Cost> costs;
};

}  // namespace

int main(int argc, char** argv) {
  namespace fs = std::filesystem;
  const auto number = [&](int i, uint64_t otherwise) {
    return argc > i ? std::strtoull(argv[i], nullptr, 10) : otherwise;
  };
  const uint64_t entries = number(1, 1000000), rounds = number(3, 7);
  std::string folder = (fs::temp_directory_path() / "goromdb-bench-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) return 1;
  const std::string path = folder + "/data.db";
  Plugin none("none"), hash("hash");
  none.build(path, entries, std::string(number(2, 54), 'v'));
  for (auto* plugin : {&none, &hash}) {
    const double open = milliseconds_of_cpu([&] { plugin->open(path); });
    const double verify = milliseconds_of_cpu([&] { plugin->verify(); });
    plugin->read();
    std::printf("index: %s: open %.1f ms, verify %.0f ms of CPU\n",
                plugin == &none ? "none" : "hash", open, verify);
  }

  std::vector<std::string> names;
  for (uint64_t i = 0; i < entries; ++i) names.push_back(key(i));
  std::shuffle(names.begin(), names.end(), std::mt19937(2));
  const auto n = static_cast<size_t>(std::min<uint64_t>(entries, 100000)) / 100 * 100;
  const Way ways[] = {{"libdb, mapped, a handle each", true, 1, false},
                      {"libdb, mapped, one handle", true, 1, true},
                      {"libdb, cache of 16 MiB, a handle each", false, 16, false},
                      {"libdb, cache of 128 MiB, a handle each", false, 128, false},
                      {"libdb, cache of 128 MiB, one handle", false, 128, true}};
  std::vector<Row> rows;
  for (const auto& way : ways) {
    const Loop one = opened(path, way), two = way.shares ? one : opened(path, way);
    const auto run = [&names, n](const Loop& loop, size_t begin) {
      return [&names, n, loop, begin] { get_all(loop, names, begin, n); };
    };
    run(one, 0)();  // what is mapped is touched, what is cached is filled
    run(two, 0)();
    rows.push_back({std::string(way.name) + ", 1 thread",
                    [=](size_t round) { return per_key(n, {run(one, round * n)}); },
                    {}});
    rows.push_back({std::string(way.name) + ", 2 threads",
                    [=](size_t round) {
                      return per_key(n, {run(one, round * n), run(two, (round + rounds) * n)});
                    },
                    {}});
  }
  for (const uint32_t batch : {1, 100}) {
    for (auto* plugin : {&none, &hash}) {
      rows.push_back({std::string("plugin, index: ") + (plugin == &none ? "none" : "hash") +
                          ", batches of " + std::to_string(batch),
                      [=, &names](size_t round) {
                        return per_key(
                            n, {[=, &names] { plugin->get_all(names, round * n, n, batch); }});
                      },
                      {}});
    }
  }
  for (size_t round = 0; round < rounds; ++round) {
    for (auto& row : rows) row.costs.push_back(row.measure(round));
  }
  std::printf("%-50s %17s %17s\n", "", "CPU, ns a key", "elapsed, ns a key");
  for (const auto& row : rows) {
    std::printf("%-50s", row.name.c_str());
    for (const auto part : {&Cost::cpu, &Cost::elapsed}) {
      std::vector<double> times, ratios;
      for (size_t i = 0; i < rounds; ++i) {
        times.push_back(row.costs[i].*part);
        ratios.push_back(row.costs[i].*part / (rows[0].costs[i].*part));
      }
      std::printf(" %8.0f %7.2fx", median(times), median(ratios));
    }
    std::printf("\n");
  }
  fs::remove_all(folder);
}
