// SPDX-License-Identifier: MIT
// The load generator: asks one server for rows of a data set and prints one line of JSON.
// `loadgen --help` has the options; docs/performance.md says how it is used.

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <string>

#include "load.h"

namespace goromdb::bench {
namespace {

struct Options {
  Plan plan;
  Requests::Kind kind;
  std::string data, other, times, label;
  bool check = false, load = false;
};

int parse(int argc, char** argv, Options& o) {
  CLI::App app("Asks a server for rows of a data set and prints what it cost as one line of JSON.");
  const std::map<std::string, Protocol> protocols = {{"text", Protocol::kText},
                                                     {"meta", Protocol::kMeta},
                                                     {"binary", Protocol::kBinary},
                                                     {"redis", Protocol::kRedis}};
  const std::map<std::string, Order> orders = {
      {"uniform", Order::kUniform}, {"zipf", Order::kZipf}, {"each", Order::kEach}};
  app.add_option("--data", o.data, "the rows, as cdbmake writes them")->required();
  app.add_option("--other", o.other, "--check: a reply may be wholly of these rows, too");
  app.add_option("--host", o.plan.target.host, "numeric IPv4 address")->capture_default_str();
  app.add_option("--port", o.plan.target.port, "TCP port");
  app.add_option("--unix", o.plan.target.unix_path, "path of a unix socket");
  app.add_option("--protocol", o.kind.protocol, "text, meta, binary or redis")
      ->transform(CLI::CheckedTransformer(protocols));
  app.add_option("--connections", o.plan.connections)
      ->check(CLI::Range(1, 60000))
      ->capture_default_str();
  app.add_option("--pipeline", o.plan.together, "requests that a connection sends at once")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  app.add_option("--keys", o.kind.keys, "keys in a request")
      ->check(CLI::Range(1, 16384))
      ->capture_default_str();
  app.add_option("--order", o.kind.order, "uniform, zipf, or each: every row once, then it ends")
      ->transform(CLI::CheckedTransformer(orders));
  app.add_option("--absent", o.kind.absent, "share of keys that no data set has")
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--rate", o.plan.rate, "open loop: requests/s over all connections");
  app.add_option("--warmup", o.plan.warmup, "seconds")->capture_default_str();
  app.add_option("--seconds", o.plan.seconds, "how long is measured")->capture_default_str();
  app.add_option("--most-keys", o.kind.most_keys, "keys that are chosen before they begin again")
      ->capture_default_str();
  app.add_option("--seed", o.kind.seed)->capture_default_str();
  app.add_option("--server", o.plan.server, "pid of the server, for its CPU time and memory");
  app.add_flag("--spin", o.plan.spin, "never sleep: for the latency of one connection");
  app.add_flag("--check", o.check, "compare every reply with the rows, byte for byte");
  app.add_option("--times", o.times, "file for the time and latency of every request");
  app.add_flag("--announce", o.plan.announce,
               "say \"measuring\" on stderr when the warm-up is over");
  app.add_flag("--load", o.load, "SET all rows and end (text, redis)");
  app.add_option("--label", o.label, "stands in the JSON");
  CLI11_PARSE(app, argc, argv);
  if (o.plan.target.unix_path.empty() && o.plan.target.port == 0) {
    fmt::print(stderr, "loadgen: neither --port nor --unix; say where the server listens\n");
    return 2;
  }
  o.plan.once = o.kind.order == Order::kEach;
  if (o.plan.once && o.plan.rate > 0) {
    fmt::print(stderr, "loadgen: --order each has no --rate; leave one of them out\n");
    return 2;
  }
  o.plan.keep_times = !o.times.empty();
  o.kind.together = o.plan.rate > 0 ? 1 : o.plan.together;
  return -1;
}

// Replies to SETs are a line each; all but STORED and +OK are refusals.
void read_set_replies(int fd, uint64_t count) {
  std::string text;
  char buffer[64 << 10];
  uint64_t lines = 0;
  while (lines < count) {
    const ssize_t n = read(fd, buffer, sizeof buffer);
    if (n <= 0) throw std::runtime_error("the server closed the connection while it was filled");
    text.append(buffer, static_cast<size_t>(n));
    size_t begin = 0;
    for (size_t end; (end = text.find("\r\n", begin)) != std::string::npos;
         begin = end + 2, ++lines) {
      const std::string line = text.substr(begin, end - begin);
      if (line != "STORED" && line != "+OK") throw std::runtime_error("a SET was refused: " + line);
    }
    text.erase(0, begin);
  }
}

void fill(const Options& o, const Rows& rows) {
  const int fd = connect_to(o.plan.target);
  std::string requests;
  for (size_t row = 0; row < rows.size();) {
    requests.clear();
    uint64_t count = 0;
    for (; row < rows.size() && count < 500 && requests.size() < (1 << 20); ++row, ++count) {
      append_set(requests, o.kind.protocol, rows, row);
    }
    for (size_t at = 0; at < requests.size();) {
      const ssize_t n = write(fd, requests.data() + at, requests.size() - at);
      if (n <= 0) throw std::runtime_error("the server closed the connection while it was filled");
      at += static_cast<size_t>(n);
    }
    read_set_replies(fd, count);
  }
  close(fd);
  fmt::print("{{\"label\":\"{}\",\"rows\":{}}}\n", o.label, rows.size());
}

// A line a request: when it was due or answered, in s of CLOCK_MONOTONIC, and its latency in us.
void write_times(const Options& o, const Outcome& outcome) {
  std::ofstream file(o.times);
  for (const Time& t : outcome.times) {
    file << fmt::format("{:.6f} {:.1f}\n", static_cast<double>(t.at) * 1e-9,
                        static_cast<double>(t.latency) * 1e-3);
  }
  if (!file.flush()) throw std::runtime_error(o.times + ": cannot be written");
}

void print(const Options& o, const Outcome& r) {
  const auto us = [](uint64_t ns) { return static_cast<double>(ns) * 1e-3; };
  const double requests = static_cast<double>(std::max<uint64_t>(1, r.requests));
  const double keys = requests * o.kind.keys;
  fmt::print(
      "{{\"label\":\"{}\",\"connections\":{},\"pipeline\":{},\"keys\":{},\"rate\":{},\"checked\":{}"
      ","
      "\"requests\":{},\"hits\":{},\"bytes\":{},\"seconds\":{:.4f},\"requests_per_s\":{:.1f},"
      "\"keys_per_s\":{:.1f},\"mean_us\":{:.2f},\"p50_us\":{:.2f},\"p90_us\":{:.2f},\"p99_us\":{:."
      "2f},"
      "\"p999_us\":{:.2f},\"max_us\":{:.2f},\"latencies\":{},\"late_p99_us\":{:.2f},\"late_max_"
      "us\":{:.2f},"
      "\"server_cpu_s\":{:.4f},\"server_user_s\":{:.2f},\"server_us_per_key\":{:.5f},\"server_"
      "bytes\":{},"
      "\"own_cpu_s\":{:.4f},\"own_us_per_key\":{:.5f},\"others_cpu_s\":{:.2f},\"stolen_s\":{:.2f}}}"
      "\n",
      o.label, o.plan.connections, o.plan.together, o.kind.keys, o.plan.rate, o.check, r.requests,
      r.hits, r.bytes, r.seconds, static_cast<double>(r.requests) / r.seconds,
      static_cast<double>(r.requests) * o.kind.keys / r.seconds, r.latency.mean() * 1e-3,
      us(r.latency.percentile(0.5)), us(r.latency.percentile(0.9)), us(r.latency.percentile(0.99)),
      us(r.latency.percentile(0.999)), us(r.latency.max()), r.latency.count(),
      us(r.late.percentile(0.99)), us(r.late.max()), r.server_cpu, r.server_user,
      r.server_cpu * 1e6 / keys, o.plan.server > 0 ? resident_bytes(o.plan.server) : 0, r.own_cpu,
      r.own_cpu * 1e6 / keys, std::max(0.0, r.machine.busy - r.server_cpu - r.own_cpu),
      r.machine.stolen);
}

// A server that misses what it has is fast, too.
void expect_hits(const Options& o, const Outcome& r) {
  const double keys = static_cast<double>(r.requests) * o.kind.keys;
  const double hits = static_cast<double>(r.hits), expected = keys * (1 - o.kind.absent);
  const double in_flight = static_cast<double>(o.plan.connections) * o.kind.keys * o.kind.together;
  if (std::abs(hits - expected) > in_flight + (o.kind.absent > 0 ? 0.05 * keys : 0)) {
    throw std::runtime_error(
        fmt::format("{} hits instead of about {:.0f}; is the server's data set that of {}?", r.hits,
                    expected, o.data));
  }
}

void run(const Options& o) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);  // ns; sleeps end when a request is due

  const Rows rows(o.data);
  if (o.load) return fill(o, rows);
  std::unique_ptr<Rows> other;
  if (!o.other.empty()) other = std::make_unique<Rows>(o.other);
  if (other != nullptr && other->size() < rows.size()) {
    throw std::runtime_error(o.other + ": fewer rows than " + o.data + "; both need the same keys");
  }
  const Requests requests(rows, o.kind);
  std::vector<Checker> checkers;
  if (o.check) {
    checkers = std::vector(o.plan.connections, Checker(o.kind.protocol, rows, other.get()));
  }
  Load load(o.plan, o.kind.protocol, requests, o.kind.keys, std::move(checkers));
  Outcome outcome = load.run();
  if (!o.times.empty()) write_times(o, outcome);
  print(o, outcome);
  expect_hits(o, outcome);
}

}  // namespace
}  // namespace goromdb::bench

int main(int argc, char** argv) {
  goromdb::bench::Options options;
  if (const int status = goromdb::bench::parse(argc, argv, options); status >= 0) return status;
  try {
    goromdb::bench::run(options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "loadgen: {}\n", error.what());
    return 1;
  }
  return 0;
}
