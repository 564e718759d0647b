// SPDX-License-Identifier: MIT
#include "core/files/slot_note.h"

#include <charconv>
#include <sstream>

#include "core/base/file.h"
#include "core/base/log.h"

namespace goromdb {
namespace {

constexpr size_t kNoteLimit = size_t{1} << 20;  // a record of a large group, too

template <class Number>
Number parsed(const Pairs& pairs, const std::string& key) {
  Number n = 0;
  if (auto found = pairs.find(key); found != pairs.end()) {
    const auto& text = found->second;
    std::from_chars(text.data(), text.data() + text.size(), n);
  }
  return n;
}

}  // namespace

Result<Pairs> find_pairs(const std::string& path) {
  Pairs pairs;
  auto state = look_at(path);
  if (!state) return tl::unexpected(state.error());
  if (!*state) return pairs;
  auto content = read_small_file(path, kNoteLimit);
  if (!content && content.error().kind == Error::Kind::kRejected) return pairs;
  if (!content) return tl::unexpected(content.error());
  std::istringstream lines(*content);
  for (std::string line; std::getline(lines, line);) {
    auto space = line.find(' ');
    if (space != std::string::npos) pairs[line.substr(0, space)] = line.substr(space + 1);
  }
  return pairs;
}

Pairs read_pairs(const std::string& path) { return find_pairs(path).value_or(Pairs{}); }

uint64_t number_in(const Pairs& pairs, const std::string& key) {
  return parsed<uint64_t>(pairs, key);
}
int64_t signed_number_in(const Pairs& pairs, const std::string& key) {
  return parsed<int64_t>(pairs, key);
}

Result<void> write_note(const std::string& path, const SlotNote& note) {
  auto text = fmt::format("generation {}\nchecksum {}\nsize {}\nmtime_ns {}\nattempts {}\n",
                          note.generation, note.checksum, note.size, note.mtime_ns, note.attempts);
  auto add = [&text](const char* key, const std::string& value) {
    if (!value.empty()) text += fmt::format("{} {}\n", key, one_line(value));
  };
  if (note.data_mtime_ns) add("data_mtime_ns", std::to_string(*note.data_mtime_ns));
  add("source", note.source);
  if (note.rolled_back_to != 0) add("rolled_back_to", std::to_string(note.rolled_back_to));
  if (note.by_hand) add("by_hand", "1");
  add("group_record", note.group.path);
  add("group_member", note.group.member);
  if (note.entries) add("entries", std::to_string(*note.entries));
  add("adopted_at", note.adopted_at);
  return write_file_durably(path, text);
}

Result<std::optional<SlotNote>> find_note(const std::string& path) {
  auto found = find_pairs(path);
  if (!found) return tl::unexpected(found.error());
  auto& pairs = *found;
  for (const char* key : {"generation", "checksum", "size", "mtime_ns"}) {
    if (!pairs.contains(key)) return std::nullopt;  // not one of ours
  }
  SlotNote note;
  note.generation = number_in(pairs, "generation");
  note.checksum = pairs["checksum"];
  note.size = signed_number_in(pairs, "size");
  note.mtime_ns = signed_number_in(pairs, "mtime_ns");
  if (pairs.contains("data_mtime_ns")) {
    note.data_mtime_ns = signed_number_in(pairs, "data_mtime_ns");
  }
  note.attempts = signed_number_in(pairs, "attempts");
  note.source = pairs["source"];
  note.rolled_back_to = number_in(pairs, "rolled_back_to");
  note.by_hand = pairs.contains("by_hand");
  note.group = {pairs["group_record"], pairs["group_member"]};
  note.adopted_at = pairs["adopted_at"];
  if (pairs.contains("entries")) note.entries = number_in(pairs, "entries");
  return note;
}

}  // namespace goromdb
