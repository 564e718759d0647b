// SPDX-License-Identifier: MIT
// The shapes of commands (commands.h), each read by one function. Sources: memcached's
// doc/protocol.txt, and what memcached 1.6.18 and 1.6.45 do where it is silent.
#include "requests.h"

#include <algorithm>
#include <iterator>

#include "commands.h"
#include "meta.h"
#include "range.h"
#include "texts.h"
#include "words.h"

namespace goromdb::memcached {

namespace {

struct LineContext {
  Batch& batch;
  const Settings& settings;
  const Command& command;
};

std::string_view unless(bool silent, std::string_view text) {
  return silent ? std::string_view{} : text;
}

// The keys from `key` on. Counts them all even when they do not fit, so that the host learns how
// many slots to bring.
Step read_keys(const LineContext& context, std::string_view key, Words words) {
  Batch& batch = context.batch;
  const uint32_t room = batch.key_room(), scopes = batch.scopes();
  uint32_t count = 0;
  goromdb_key* keys = batch.next_keys();
  bool wellformed = !key.empty();
  for (; !key.empty(); key = words.next()) {
    wellformed = key.size() <= kMaxKey;
    if (!wellformed || count == context.settings.max_keys) break;
    if (count < room) keys[count] = batch.key(context.settings, key);
    ++count;
  }
  if (wellformed && key.empty() && count <= room) {
    const bool cas = context.command.verb == Verb::kGets;
    return batch.get(context.command, count, cas ? GOROMDB_WANT_VERSION : 0);
  }
  batch.drop_scopes(scopes);
  if (!wellformed) return batch.say(GOROMDB_OP_LOCAL, text::kBadFormat);
  return key.empty() ? batch.no_room(count) : batch.close(text::kTooManyKeys);
}

Step read_exptime_keys(const LineContext& context, Words words) {
  std::string_view exptime = words.next();
  std::string_view first_key = words.next();
  if (first_key.empty()) return context.batch.say(GOROMDB_OP_LOCAL, text::kBadFormat);
  if (!parse_number<int32_t>(exptime))
    return context.batch.say(GOROMDB_OP_LOCAL, text::kBadExptime);
  return read_keys(context, first_key, words);
}

Step read_touch(const LineContext& context, const Arguments& args) {
  Batch& batch = context.batch;
  bool silent = args.noreply();
  if (args.count < 2 || args.at[0].size() > kMaxKey) {
    return batch.say(GOROMDB_OP_LOCAL, unless(silent, text::kBadFormat));
  }
  if (!parse_number<int32_t>(args.at[1])) {
    return batch.say(GOROMDB_OP_LOCAL, unless(silent, text::kBadExptime));
  }
  if (context.settings.refuse_touch) {
    return batch.say(GOROMDB_OP_REFUSED, unless(silent, context.command.reply));
  }
  if (batch.key_room() == 0) return batch.no_room(1);
  *batch.next_keys() = batch.key(context.settings, args.at[0]);
  return batch.get(context.command, 1, 0, silent);
}

// What a line with a data block is answered after the block.
struct Refusal {
  bool wellformed, silent;
  std::string_view text;   // where the line is well formed
  std::string_view key{};  // that has to be there for `text`; empty: any. May go with the line
  bool keep = false;       // `text`, too, may go with the line
};

// The length comes first: only when it is known can the block be told from the commands behind it.
// Every other fault of the line is answered after the block.
Step swallow_block(const LineContext& context, std::string_view length_word,
                   const Refusal& refusal) {
  auto length = parse_number<int64_t>(length_word);
  if (!length || *length < 0 || *length > kMaxDeclaredLength) {
    return context.batch.close(text::kBadFormat);
  }
  uint64_t size = static_cast<uint64_t>(*length);
  if (size > context.settings.max_refused_value) return context.batch.close(text::kReadOnly);
  Conn& conn = context.batch.conn();
  if (!refusal.key.empty() || refusal.keep) {
    const std::string_view kept = refusal.keep ? refusal.text : std::string_view{};
    if (!context.batch.hold(context.command, refusal.key, kept)) {
      return context.batch.no_memory(text::kNoMemory);
    }
  }
  conn.phase = Conn::kBlock;
  conn.block_left = size;
  conn.block_tag = 0;
  conn.block_op = refusal.wellformed ? GOROMDB_OP_REFUSED : GOROMDB_OP_LOCAL;
  conn.block_reply =
      slice(unless(refusal.silent, refusal.wellformed ? refusal.text : text::kBadFormat));
  return Step::kDone;
}

Step read_store(const LineContext& context, const Arguments& args) {
  bool cas = context.command.shape == Shape::kStoreCas;
  bool wellformed = args.at[0].size() <= kMaxKey && parse_number<uint32_t>(args.at[1]) &&
                    parse_number<int32_t>(args.at[2]) &&
                    (!cas || parse_number<uint64_t>(args.at[4]));
  std::string_view refusal = context.settings.not_stored
                                 ? (cas ? text::kNotFound : text::kNotStored)
                                 : context.command.reply;
  const bool adds = context.settings.not_stored && context.command.verb == Verb::kAdd;
  const bool asks = adds && wellformed && !args.noreply();
  return swallow_block(context, args.at[3],
                       {wellformed, args.noreply(), refusal, asks ? args.at[0] : ""});
}

// Meta commands know no `noreply`, and errors are sent in spite of their flag `q`.
Step read_meta_store(const LineContext& context, Words words) {
  const std::string_view key = words.next(), length = words.next();
  const bool wellformed = key.size() <= kMaxKey;
  if (!wellformed || !context.settings.not_stored) {
    return swallow_block(context, length, {wellformed, false, context.command.reply});
  }
  const MetaNotStored answer(key, words);
  if (!answer.error().empty()) return swallow_block(context, length, {true, false, answer.error()});
  return swallow_block(context, length, {true, false, answer.text(), answer.key(), true});
}

Step read_meta_write(const LineContext& context, const Arguments& args) {
  if (args.count == 0 || args.at[0].size() > kMaxKey) {
    return context.batch.say(GOROMDB_OP_LOCAL, text::kBadFormat);
  }
  return context.batch.say(context.command.op, context.command.reply);
}

Step read_delete(const LineContext& context, const Arguments& args) {
  bool silent = args.noreply();
  // A time to wait was once an argument; old clients still send the 0.
  size_t plain = args.count - (silent && args.count > 0 ? 1 : 0);
  if (plain > 2 || (plain == 2 && args.at[1] != "0")) {
    return context.batch.say(GOROMDB_OP_LOCAL, unless(silent, text::kDeleteUsage));
  }
  if (args.count == 0 || args.at[0].size() > kMaxKey) {
    return context.batch.say(GOROMDB_OP_LOCAL, unless(silent, text::kBadFormat));
  }
  return context.batch.say(GOROMDB_OP_REFUSED, unless(silent, context.command.reply));
}

Step read_arithmetic(const LineContext& context, const Arguments& args) {
  bool silent = args.noreply();
  if (args.count < 2 || args.at[0].size() > kMaxKey) {
    return context.batch.say(GOROMDB_OP_LOCAL, unless(silent, text::kBadFormat));
  }
  if (!parse_number<uint64_t>(args.at[1])) {
    return context.batch.say(GOROMDB_OP_LOCAL, unless(silent, text::kBadDelta));
  }
  return context.batch.say(GOROMDB_OP_REFUSED, unless(silent, context.command.reply));
}

Step read_verbosity(const LineContext& context, const Arguments& args) {
  std::string_view reply = context.command.reply;
  if (args.count == 0) reply = text::kError;
  if (args.count > 0 && !parse_number<uint32_t>(args.at[0])) reply = text::kBadFormat;
  return context.batch.say(GOROMDB_OP_LOCAL, unless(args.noreply(), reply));
}

Step read_section(const LineContext& context, const Arguments& args) {
  const Command& command = context.command;
  const Section* section = find_section(command.sections, args.at[0], args.at[1]);
  if (section == nullptr) return context.batch.say(command.op, command.reply);
  return context.batch.say(section->op, section->arg);
}

// A dump is the last request of its batch: it may take a while. [PRO-13]
Step read_crawler(const LineContext& context, const Arguments& args) {
  constexpr uint32_t kKeysAtOnce = 1024;
  const Command& command = context.command;
  const Section* section = find_section(command.sections, args.at[0], args.at[1]);
  const bool refused = section != nullptr && args.count == 2 && !context.settings.dump;
  if (refused) return context.batch.say(GOROMDB_OP_LOCAL, section->arg);
  if (section == nullptr || args.count != 2) {
    return context.batch.say(command.op, unless(args.noreply(), command.reply));
  }
  if (args.at[1] != "all" && args.at[1] != "hash") {
    return context.batch.say(GOROMDB_OP_LOCAL, text::kBadClass);
  }
  return context.batch.walk(command, kKeysAtOnce,
                            static_cast<uint64_t>(section - command.sections.data()));
}

Step read_fixed(const LineContext& context, const Arguments& args) {
  const Command& command = context.command;
  if (command.name.empty() && args.last.starts_with("HTTP/")) return context.batch.close({});
  bool silent = command.noreply && args.noreply();
  return context.batch.say(command.op, unless(silent, command.reply));
}

}  // namespace

Step read_command(Batch& batch, const Settings& settings, const uint8_t* begin,
                  const uint8_t* end) {
  Words words(begin, end);
  const Command& command = find_command(words.next());
  LineContext context{batch, settings, command};
  switch (command.shape) {
    case Shape::kKeys: {
      std::string_view first_key = words.next();
      return read_keys(context, first_key, words);
    }
    case Shape::kExptimeKeys:
      return read_exptime_keys(context, words);
    case Shape::kTouch:
      return read_touch(context, Arguments(words));
    case Shape::kRange:
      return read_range(batch, settings, command, words);
    case Shape::kMetaGet:
      return read_meta_get(batch, settings, command, words);
    case Shape::kMetaDebug:
      return read_meta_debug(batch, settings, command, words);
    case Shape::kStore:
    case Shape::kStoreCas:
      return read_store(context, Arguments(words));
    case Shape::kMetaStore:
      return read_meta_store(context, words);
    case Shape::kMetaWrite:
      return read_meta_write(context, Arguments(words));
    case Shape::kDelete:
      return read_delete(context, Arguments(words));
    case Shape::kArithmetic:
      return read_arithmetic(context, Arguments(words));
    case Shape::kVersion:
      return batch.say(GOROMDB_OP_LOCAL, settings.version_line);
    case Shape::kVerbosity:
      return read_verbosity(context, Arguments(words));
    case Shape::kSection:
      return read_section(context, Arguments(words));
    case Shape::kCrawler:
      return read_crawler(context, Arguments(words));
    case Shape::kFixed:
      return read_fixed(context, Arguments(words));
    case Shape::kClose:
      break;
  }
  return batch.close({});
}

bool lists_keys(const uint8_t* begin, const uint8_t* end) {
  const uint8_t* name = std::find_if(begin, end, [](uint8_t byte) { return byte != ' '; });
  if (name - begin > static_cast<ptrdiff_t>(kMaxLeadingSpaces)) return false;
  std::string_view word = Words(name, end).next();
  if (name + word.size() == end) return false;
  Shape shape = find_command(word).shape;
  return shape == Shape::kKeys || shape == Shape::kExptimeKeys;
}

}  // namespace goromdb::memcached
