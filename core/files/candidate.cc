// SPDX-License-Identifier: MIT
#include "core/files/candidate.h"

#include <chrono>
#include <thread>

#include "core/base/step.h"

namespace goromdb {
namespace {

constexpr size_t kSumFileLimit = size_t{64} << 10;

// File times move in the kernel's ticks: a write within the tick of the last one would leave no
// trace. A file that is older than this shows every later write.
void outlive_the_clock_tick(const FileIdentity& data) {
  using namespace std::chrono;
  const auto age =
      system_clock::now() -
      system_clock::time_point(duration_cast<system_clock::duration>(nanoseconds(data.mtime_ns)));
  constexpr auto kTick = milliseconds(20);
  if (age >= seconds(0) && age < kTick) std::this_thread::sleep_for(kTick - age);
}

Result<void> still_the_same(const Fd& fd, const Candidate& candidate) {
  auto now = look_at(fd, candidate.file);
  if (!now) return tl::unexpected(now.error());
  if (candidate.still(*now)) return {};
  return changed(fmt::format("{} changed while it was hashed", candidate.file));
}

Result<std::string> digest_of(const Fd& fd, const Candidate& candidate, SumKind kind,
                              const Progress& progress) {
  Digest digest(kind);
  uint64_t done = 0;
  auto read = read_blocks(fd, candidate.file, [&](std::string_view block) -> Result<void> {
    digest.update(block);
    done += block.size();
    if (progress(done, static_cast<uint64_t>(candidate.data.size))) return cancelled();
    // A file that grows under the reader could keep it busy for ever.
    if (done > static_cast<uint64_t>(candidate.data.size)) return still_the_same(fd, candidate);
    return {};
  });
  if (!read) return tl::unexpected(read.error());
  return digest.hex();
}

}  // namespace

Result<std::string> hash_candidate(const Candidate& candidate, SumKind kind,
                                   const Progress& progress) {
  auto fd = open_regular(candidate.file);
  if (!fd) return tl::unexpected(fd.error());
  auto hex = digest_of(*fd, candidate, kind, progress);
  if (!hex) return hex;
  if (auto same = still_the_same(*fd, candidate); !same) return tl::unexpected(same.error());
  return hex;
}

Result<std::string> read_sum(const std::string& file, SumKind kind) {
  const auto path = sum_path(file, kind);
  const auto content = read_small_file(path, kSumFileLimit);
  if (!content) return tl::unexpected(content.error());
  const auto sum = parse_sum(*content, kind);
  if (!sum) return reject(fmt::format("{}: {}", path, sum.error().message));
  return *sum;
}

Result<std::string> verify_candidate(const Candidate& candidate, const Progress& progress) {
  std::string wanted;
  if (candidate.kind != SumKind::kNone) {
    auto sum = read_sum(candidate.file, candidate.kind);
    if (!sum) return sum;
    // Of another drop: it would stay when this one is taken, and speak of the next one's data.
    const auto path = sum_path(candidate.file, candidate.kind);
    auto now = look_at(path);
    if (!now) return tl::unexpected(now.error());
    if (!*now || (*now)->identity != candidate.sum) {
      return changed(fmt::format("{} changed while it was read", path));
    }
    wanted = *sum;
  }

  auto fd = open_regular(candidate.file);
  if (!fd) return tl::unexpected(fd.error());
  outlive_the_clock_tick(candidate.data);
  if (auto same = still_the_same(*fd, candidate); !same) return tl::unexpected(same.error());
  step("hashing");
  auto hex = digest_of(*fd, candidate, candidate.kind, progress);
  if (!hex) return hex;
  step("hashed");
  if (auto same = still_the_same(*fd, candidate); !same) return tl::unexpected(same.error());
  if (candidate.kind != SumKind::kNone && *hex != wanted) {
    return reject(fmt::format("its {} is {}, {} says {}", title_of(candidate.kind), *hex,
                              sum_path(candidate.file, candidate.kind), wanted));
  }
  if (auto synced = sync_file(*fd, candidate.file); !synced) return tl::unexpected(synced.error());
  return hex;
}

}  // namespace goromdb
