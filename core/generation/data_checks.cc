// SPDX-License-Identifier: MIT
#include "core/generation/data_checks.h"

#include <memory>
#include <vector>

#include "core/base/arena.h"
#include "core/base/log.h"
#include "core/base/units.h"
#include "core/generation/generation.h"

namespace goromdb {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr size_t kMostNamed = 3;  // keys in one message
constexpr int64_t kWhole = 100;   // per cent

// With one digit behind the point, or as many as tell it from the limit.
std::string in_digits(double percent, int64_t limit) {
  constexpr int kMostDigits = 15;
  for (int digits = 1;; ++digits) {
    auto text = fmt::format("{:.{}f}", percent, digits);
    if (digits == kMostDigits || text != fmt::format("{:.{}f}", static_cast<double>(limit), digits))
      return text;
  }
}

Result<void> check_shrink(int64_t max_shrink, uint64_t entries, const SlotNote& current) {
  if (max_shrink >= kWhole || !current.entries || entries >= *current.entries) return {};
  const auto before = static_cast<double>(*current.entries);
  const double shrunk = kWhole * (before - static_cast<double>(entries)) / before;
  if (shrunk <= static_cast<double>(max_shrink)) return {};
  return reject(fmt::format(
      "it has {} entries, {} % fewer than the {} of generation {}; max_shrink is {}%", entries,
      in_digits(shrunk, max_shrink), *current.entries, current.generation, max_shrink));
}

std::string in_words(const WantedKey& wanted) {
  return one_line(wanted.ns.empty() ? fmt::format("\"{}\"", wanted.key)
                                    : fmt::format("\"{}\" in \"{}\"", wanted.key, wanted.ns));
}

// A reader of the check's own: the loops' are theirs alone.
class Reader {
 public:
  explicit Reader(const Generation& generation) : ops_(generation.ops()) {
    status_ = ops_.reader_open(generation.handle(), 0, &reader_, error_.get());
    if (status_ != GOROMDB_OK) reader_ = nullptr;
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader() {
    arena_.reset();
    if (reader_ != nullptr) ops_.reader_close(reader_);
  }

  goromdb_status look_up(const WantedKey& wanted) {
    if (reader_ == nullptr) return status_;
    goromdb_key key{wanted.key.data(), static_cast<uint32_t>(wanted.key.size()), 0};
    if (!wanted.ns.empty()) {
      if (!GOROMDB_HAS(&ops_, ns_lookup)) return GOROMDB_NOT_FOUND;
      const auto found = ops_.ns_lookup(reader_, {wanted.ns.data(), wanted.ns.size()}, &key.ns);
      if (found != GOROMDB_OK) return found;
    }
    goromdb_value value{};
    ops_.get(reader_, 0, &key, 1, &value, &arena_);
    return value.status;
  }
  std::string why(goromdb_status status) const { return error_.message(status); }

 private:
  const goromdb_storage_ops& ops_;
  PluginError error_;
  goromdb_reader* reader_ = nullptr;
  goromdb_status status_ = GOROMDB_OK;
  goromdb_arena arena_;
};

Result<void> check_keys(const std::vector<WantedKey>& must_have, const Generation& candidate) {
  if (must_have.empty()) return {};
  Reader reader(candidate);
  std::vector<std::string> missing;
  size_t count = 0;
  for (const auto& wanted : must_have) {
    const auto status = reader.look_up(wanted);
    if (status == GOROMDB_OK) continue;
    if (status < 0) {
      auto message = fmt::format("the key {} of must_have cannot be looked up: {}",
                                 in_words(wanted), reader.why(status));
      const bool machine = status == GOROMDB_E_NO_MEMORY || status == GOROMDB_E_IO;
      return machine ? fail(std::move(message)) : reject(std::move(message));
    }
    if (++count <= kMostNamed) missing.push_back(in_words(wanted));
  }
  if (count == 0) return {};
  return reject(fmt::format("it lacks {} of the {} keys of must_have: {}{}", count,
                            must_have.size(), join(missing, ", "),
                            count > kMostNamed ? ", ..." : ""));
}

}  // namespace

Result<void> check_data(const DatabaseConfig& config, const Generation& candidate,
                        const SlotNote* current) {
  const auto entries = candidate.info().entries;
  if (entries != GOROMDB_UNKNOWN) {
    if (entries < static_cast<uint64_t>(config.min_entries)) {
      return reject(
          fmt::format("it has {} entries, min_entries is {}", entries, config.min_entries));
    }
    if (current != nullptr) {
      if (auto large = check_shrink(config.max_shrink_percent, entries, *current); !large) {
        return large;
      }
    }
  }
  return check_keys(config.must_have, candidate);
}

OpenLimit::OpenLimit(int64_t limit_ms) : limit_ms_(limit_ms), began_(steady_clock::now()) {}

bool OpenLimit::passed() const {
  return limit_ms_ > 0 && steady_clock::now() - began_ > milliseconds(limit_ms_);
}

Progress OpenLimit::around(const Progress& progress) {
  return [this, progress](uint64_t done, uint64_t total) {
    if (progress(done, total)) return true;
    done_ = done;
    total_ = total;
    gave_up_ = passed();
    return gave_up_;
  };
}

tl::unexpected<Error> OpenLimit::rejection() const {
  const auto took = std::chrono::duration_cast<milliseconds>(steady_clock::now() - began_).count();
  const auto part = gave_up_ && total_ > 0 ? fmt::format(", {} % were done", done_ * 100 / total_)
                                           : std::string();
  return reject(
      fmt::format("it takes longer to open than must_open_within, which is {}: {} so far{}",
                  format_duration_ms(limit_ms_), format_duration_ms(took), part));
}

}  // namespace goromdb
