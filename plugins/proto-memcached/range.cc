// SPDX-License-Identifier: MIT
#include "range.h"

#include "replies.h"
#include "texts.h"

namespace goromdb::memcached {

namespace {

struct Range {
  std::string_view first, last;
  bool without_first, without_last;
  uint32_t most;
};

std::optional<Range> range_of(const Arguments& args) {
  const auto without_first = parse_number<uint32_t>(args.at[2]),
             without_last = parse_number<uint32_t>(args.at[3]);
  const auto most = parse_number<uint32_t>(args.at[4]);
  const bool wellformed = args.count == 5 && args.at[0].size() <= kMaxKey &&
                          args.at[1].size() <= kMaxKey && without_first && without_last && most;
  if (!wellformed) return std::nullopt;
  return Range{args.at[0], args.at[1], *without_first != 0, *without_last != 0, *most};
}

// The words of a line that has been parsed: its newline is behind them.
Words words_at(uint64_t line) {
  const auto* begin = reinterpret_cast<const uint8_t*>(static_cast<uintptr_t>(line));
  const auto* end = begin;
  while (*end != '\n') ++end;
  if (end != begin && end[-1] == '\r') --end;
  return {begin, end};
}

}  // namespace

Step read_range(Batch& batch, const Settings& settings, const Command& command, Words words) {
  const std::string_view line = words.rest();
  const auto range = range_of(Arguments(words));
  if (!range || range->most > settings.max_range) {
    return batch.say(GOROMDB_OP_LOCAL, text::kBadFormat);
  }
  if (range->most == 0) return batch.say(GOROMDB_OP_LOCAL, text::kEnd);
  if (batch.key_room() == 0) return batch.no_room(1);
  *batch.next_keys() = {range->first.data(), static_cast<uint32_t>(range->first.size()), 0};
  // One more than the first, if that is to be left out.
  return batch.walk_from(command, range->most + (range->without_first ? 1 : 0),
                         reinterpret_cast<uintptr_t>(line.data()));
}

void write_range(const goromdb_request& request, const goromdb_answer& answer, Writer& out) {
  if (answer.status != GOROMDB_OK && answer.status != GOROMDB_END) {
    return out.put(answer.status == GOROMDB_E_NOT_READY     ? text::kNotReady
                   : answer.status == GOROMDB_E_UNSUPPORTED ? text::kNoOrder
                                                            : text::kStorageError);
  }
  const auto range = range_of(Arguments(words_at(request.tag[1])));
  uint32_t given = 0;
  for (uint32_t i = 0; i < answer.n && given < range->most; ++i) {
    const std::string_view key = view(answer.keys[i]);
    if (key > range->last || (key == range->last && range->without_last)) break;
    if ((key == range->first && range->without_first) || !is_text_key(key)) continue;
    write_item(key, answer.values[i], out);
    ++given;
  }
  out.put(text::kEnd);
}

}  // namespace goromdb::memcached
