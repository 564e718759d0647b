// SPDX-License-Identifier: MIT
// goromdb verify: reads all of a data file and says in a line what is in it, or what is wrong.
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <thread>

#include "core/base/file.h"
#include "core/base/log.h"
#include "core/base/units.h"
#include "tools/child.h"
#include "tools/commands.h"
#include "tools/text.h"

namespace goromdb::tools {
namespace {

struct Facts {
  uint64_t entries = 0, namespaces = 0, bytes = 0;     // GOROMDB_UNKNOWN
  std::optional<uint64_t> largest_key, largest_value;  // none where entries cannot be listed
};

Result<Facts> count_all(DataSet& data) {
  auto walk = data.walk(std::nullopt);
  if (!walk) return tl::unexpected(walk.error());
  Facts facts;
  size_t largest_key = 0, largest_value = 0;
  std::string ns;
  for (;;) {
    auto batch = (*walk)->next();
    if (!batch) return tl::unexpected(batch.error());
    if (batch->empty()) break;
    if (batch->front().ns != ns) {
      ns = batch->front().ns;
      ++facts.namespaces;
    }
    facts.entries += batch->size();
    for (const auto& entry : *batch) {
      facts.bytes += entry.key.size() + entry.value.size();
      largest_key = std::max(largest_key, entry.key.size());
      largest_value = std::max(largest_value, entry.value.size());
    }
  }
  facts.largest_key = largest_key;
  facts.largest_value = largest_value;
  return facts;
}

// Has a file read into the page cache from its start to its end on a thread of its own, as fast as
// the disk gives it, for whoever looks at it in another order. What is there already costs nothing.
class Prefetch {
 public:
  explicit Prefetch(const std::string& path) : thread_([this, path] { run(path); }) {}
  ~Prefetch() {
    stopping_ = true;
    thread_.join();
  }
  Prefetch(const Prefetch&) = delete;
  Prefetch& operator=(const Prefetch&) = delete;

 private:
  void run(const std::string& path) {
    constexpr off_t kPiece = off_t{128} << 10, kAhead = off_t{8} << 20;
    // What fails here fails for the storage, too, which says it.
    const auto fd = open_regular(path);
    const auto state = fd ? look_at(*fd, path) : tl::unexpected(fd.error());
    if (!state) return;
    for (off_t at = 0; at < state->identity.size && !stopping_; at += kPiece) {
      char byte;
      const iovec one{&byte, 1};
      if (::preadv2(fd->get(), &one, 1, at, RWF_NOWAIT) == 1) continue;  // it is there
      ::posix_fadvise(fd->get(), at, kPiece, POSIX_FADV_WILLNEED);
      // Waits for the disk, which else would be asked for the whole file at once.
      if (at >= kAhead && ::pread(fd->get(), &byte, 1, at - kAhead) != 1) return;
    }
  }

  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

Result<Facts> look_at_all(DataSet& data) {
  std::optional<Prefetch> prefetch;
  if (data.plugin().storage().warm != nullptr) prefetch.emplace(data.path());
  auto verified = data.verify();
  if (!verified) return tl::unexpected(verified.error());
  auto info = data.info();
  if (!info) return tl::unexpected(info.error());
  const bool counted = has_counted_all(*info);
  if (data.can_walk() && !counted) return count_all(data);
  Facts facts{info->entries, info->namespaces == UINT32_MAX ? GOROMDB_UNKNOWN : info->namespaces,
              info->bytes, std::nullopt, std::nullopt};
  if (counted) {
    facts.largest_key = info->largest_key;
    facts.largest_value = info->largest_value;
  }
  return facts;
}

std::string number(uint64_t n, const char* unknown) {
  return n == GOROMDB_UNKNOWN ? unknown : std::to_string(n);
}

std::string facts_as_json(const ReadOptions& options, const DataSet& data, const Facts& facts,
                          double seconds) {
  const auto size = [](const std::optional<uint64_t>& n) {
    return n ? std::to_string(*n) : std::string("null");
  };
  return fmt::format(
      R"({{"file": {}, "ok": true, "format": {}, "entries": {}, "namespaces": {}, "bytes": {}, )"
      R"("largest_key": {}, "largest_value": {}, "seconds": {:.3f}}})",
      json_string(options.file), json_string(data.plugin().name()), number(facts.entries, "null"),
      number(facts.namespaces, "null"), number(facts.bytes, "null"), size(facts.largest_key),
      size(facts.largest_value), seconds);
}

std::string facts_as_text(const ReadOptions& options, const DataSet& data, const Facts& facts,
                          double seconds) {
  auto line = fmt::format("{}: {}, {} {}, {} {}, ", one_line(options.file), data.plugin().name(),
                          number(facts.entries, "an unknown number of"),
                          facts.entries == 1 ? "entry" : "entries",
                          number(facts.namespaces, "an unknown number of"),
                          facts.namespaces == 1 ? "namespace" : "namespaces");
  if (facts.bytes != GOROMDB_UNKNOWN) line += format_size(facts.bytes) + " of keys and values, ";
  line += facts.largest_key ? fmt::format("largest key {} B, largest value {} B",
                                          *facts.largest_key, *facts.largest_value)
                            : "entries cannot be listed";
  return line + fmt::format(", {:.2f} s", seconds);
}

int print(const ReadOptions& options, const DataSet& data, const Facts& facts, double seconds) {
  Output out;
  auto done =
      out.write((options.json ? facts_as_json : facts_as_text)(options, data, facts, seconds) +
                "\n")
          .and_then([&] { return out.flush(); });
  return done ? 0 : report(done.error());
}

int bad(const ReadOptions& options, const Error& error) {
  if (options.json) {
    Output out;
    (void)out
        .write(fmt::format("{{\"file\": {}, \"ok\": false, \"reason\": {}}}\n",
                           json_string(options.file), json_string(error.message)))
        .and_then([&] { return out.flush(); });
  }
  return report(error);
}

}  // namespace

int verify(const ReadOptions& options) {
  auto status = in_child([&] {
    const auto begin = std::chrono::steady_clock::now();
    auto data = DataSet::open(options.storage, options.file);
    if (!data) return bad(options, data.error());
    auto facts = look_at_all(**data);
    if (!facts) return bad(options, facts.error());
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    return print(options, **data, *facts, took.count());
  });
  if (status) return *status;
  return bad(options, Error{fmt::format("{}: the reader died on this file {}", options.file,
                                        status.error().message)});
}

}  // namespace goromdb::tools
