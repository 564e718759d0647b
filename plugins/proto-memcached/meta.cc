// SPDX-License-Identifier: MIT
#include "meta.h"

#include <array>

#include "prefixes.h"
#include "replies.h"
#include "texts.h"

namespace goromdb::memcached {

namespace {

constexpr size_t kMaxFlags = 18;   // memcached 1.6.45's
constexpr size_t kMaxOpaque = 32;  // bytes, with the O; memcached's

// What the flags ask for, beside what the reply reads from them again; travels in tag[1].
constexpr uint8_t kValue = 1, kQuiet = 2, kBase64 = 4, kCas = 8, kTouches = 16, kCompare = 32;

// What stands behind a flag's letter.
enum class Argument : uint8_t { kUnknown, kAnything, kTime, kCasNumber, kFlags, kInitial, kDelta };

struct FlagRow {
  Argument argument = Argument::kUnknown;
  uint8_t bits = 0;
};

// memcached lets the flags of all meta commands pass here, those that write for nothing.
constexpr auto kFlagRows = [] {
  std::array<FlagRow, 128> rows{};
  const auto at = [&](char letter) -> FlagRow& { return rows[static_cast<uint8_t>(letter)]; };
  for (char letter : std::string_view("fhklOstuPLIMx")) at(letter) = {Argument::kAnything};
  at('b') = {Argument::kAnything, kBase64};
  at('c') = {Argument::kAnything, kCas};
  at('q') = {Argument::kAnything, kQuiet};
  at('v') = {Argument::kAnything, kValue};
  at('C') = {Argument::kCasNumber, kCas | kCompare};
  at('E') = {Argument::kCasNumber};
  at('N') = at('R') = {Argument::kTime};
  at('T') = {Argument::kTime, kTouches};
  at('F') = {Argument::kFlags};
  at('J') = {Argument::kInitial};
  at('D') = {Argument::kDelta};
  return rows;
}();

// memcached's sentence where the argument is not what it wants.
std::string_view check_argument(Argument kind, std::string_view text) {
  switch (kind) {
    case Argument::kUnknown:
    case Argument::kAnything:
      break;
    case Argument::kTime:
      return parse_number<int32_t>(text) ? "" : text::kBadToken;
    case Argument::kCasNumber:
      return parse_number<uint64_t>(text) ? "" : text::kBadToken;
    case Argument::kFlags:
      return parse_number<uint32_t>(text) ? "" : text::kBadFormat;
    case Argument::kInitial:
      return parse_number<uint64_t>(text) ? "" : text::kBadInitial;
    case Argument::kDelta:
      return parse_number<uint64_t>(text) ? "" : text::kBadDeltaFlag;
  }
  return {};
}

struct Flags {
  uint64_t bits = 0;
  std::string_view error;
};

// Too many flags are told before all else. A flag that is unknown or comes twice ends the reading;
// of other faults the last one is told.
Flags read_flags(Words words) {
  Flags flags;
  uint64_t seen[2] = {};
  size_t count = 0;
  bool ended = false, long_opaque = false;
  for (std::string_view word = words.next(); !word.empty(); word = words.next()) {
    if (++count > kMaxFlags) return {0, text::kTooManyFlags};
    if (ended) continue;
    const auto letter = static_cast<uint8_t>(word[0]);
    const uint64_t bit = uint64_t{1} << letter % 64;
    const bool twice = letter >= 127 || (seen[letter / 64] & bit) != 0;
    const FlagRow row = twice ? FlagRow{} : kFlagRows[letter];
    if (row.argument == Argument::kUnknown) {
      flags.error = twice ? text::kDuplicateFlag : text::kInvalidFlag;
      ended = true;
      continue;
    }
    seen[letter / 64] |= bit;
    flags.bits |= row.bits;
    if (row.argument == Argument::kAnything) {
      long_opaque |= letter == 'O' && word.size() > kMaxOpaque;
    } else if (auto error = check_argument(row.argument, word.substr(1)); !error.empty()) {
      flags.error = error;
    }
  }
  if (long_opaque && flags.error.empty()) flags.error = text::kLongOpaque;
  return flags;
}

// Adds the request for one key. `bad_code`: what is said where it is no base64.
Step look_up(Batch& batch, const Settings& settings, const Command& command, std::string_view word,
             uint64_t bits, std::string_view bad_code, std::string_view arg) {
  std::string_view key = word;
  if ((bits & kBase64) != 0) {
    uint8_t* memory = batch.key_memory();
    if (memory == nullptr) {
      return batch.no_memory(text::kNoMemory);
    }
    const auto size = decode_base64(word, memory, SpareBits::kAny);
    if (!size) return batch.say(GOROMDB_OP_LOCAL, bad_code);
    key = {reinterpret_cast<const char*>(memory), *size};
  }
  if (batch.key_room() == 0) return batch.no_room(1);
  if (key.data() != word.data()) batch.keep_key(key.size());
  *batch.next_keys() = batch.key(settings, key);
  return batch.get(command, 1, (bits & kCas) != 0 ? GOROMDB_WANT_VERSION : 0, bits, arg);
}

std::string_view key_of(const goromdb_answer& answer) {
  return key_on_wire(answer.keys[0], answer.scopes);
}

// As the client wrote it: binary bytes never go out as they are.
uint8_t* put_key(uint8_t* cursor, std::string_view key, bool base64) {
  return base64 ? encode_base64(key, cursor) : put(cursor, key);
}

uint8_t* put_flag(uint8_t* cursor, char flag, uint64_t n) {
  *cursor++ = ' ';
  *cursor++ = static_cast<uint8_t>(flag);
  return put_number(cursor, n);
}

// What a flag asks to be told of a hit.
uint8_t* put_fact(uint8_t* cursor, char flag, const goromdb_value& value) {
  switch (flag) {
    case 'c':
      return put_flag(cursor, flag, cas_of(value));
    case 'f':
      return put_flag(cursor, flag, value.flags);
    case 's':
      return put_flag(cursor, flag, value.len);
    case 't':
      return put(cursor, " t-1");
    case 'h':
      return put(cursor, " h1");
    case 'l':
      return put(cursor, " l0");
    default:
      return cursor;
  }
}

// Whether the client has the value already: its flag C names the value's cas.
bool is_known(Words flags, const goromdb_value& value) {
  for (std::string_view word = flags.next(); !word.empty(); word = flags.next()) {
    if (word[0] == 'C') return parse_number<uint64_t>(word.substr(1)) == cas_of(value);
  }
  return false;
}

}  // namespace

Step read_meta_get(Batch& batch, const Settings& settings, const Command& command, Words words) {
  const std::string_view key = words.next();
  if (key.empty() || key.size() > kMaxKey) return batch.say(GOROMDB_OP_LOCAL, text::kBadFormat);
  const std::string_view rest = words.rest();
  const Flags flags = read_flags(words);
  if (!flags.error.empty()) return batch.say(GOROMDB_OP_LOCAL, flags.error);
  return look_up(batch, settings, command, key, flags.bits, text::kBadKeyCode, rest);
}

Step read_meta_debug(Batch& batch, const Settings& settings, const Command& command, Words words) {
  const std::string_view key = words.next();
  if (key.empty() || key.size() > kMaxKey) return batch.say(GOROMDB_OP_LOCAL, text::kBadFormat);
  const uint64_t bits = kCas | (words.next() == "b" ? kBase64 : 0);
  return look_up(batch, settings, command, key, bits, text::kBadFormat, {});
}

MetaNotStored::MetaNotStored(std::string_view key, Words flags) {
  const Flags read = read_flags(flags);
  error_ = read.error;
  if (!error_.empty()) return;
  const bool base64 = (read.bits & kBase64) != 0;
  const bool compares = (read.bits & kCompare) != 0;
  bool adds = false;
  auto* const begin = reinterpret_cast<uint8_t*>(text_);
  uint8_t* cursor = put(begin, compares ? "NF" : "NS");
  for (std::string_view word = flags.next(); !word.empty(); word = flags.next()) {
    adds |= word == "ME" && !compares;
    if (word[0] == 'O') cursor = put(put(cursor, " "), word);
    if (word[0] == 'k') cursor = put(put(put(cursor, " k"), key), base64 ? " b" : "");
  }
  text_size_ = static_cast<size_t>(put(cursor, "\r\n") - begin);
  if (base64) {
    const auto size = decode_base64(key, decoded_, SpareBits::kAny);
    if (!size) error_ = text::kBadKeyCode;
    key = {reinterpret_cast<const char*>(decoded_), size.value_or(0)};
  }
  if (adds) key_ = key;
}

bool meta_touches(const goromdb_request& request) { return (request.tag[1] & kTouches) != 0; }

void write_meta_get(const goromdb_request& request, const goromdb_answer& answer, Writer& out) {
  constexpr size_t kBound = 16 + kMaxFlags * 24 + base64_size(kMaxKey) + 4 + kMaxOpaque;
  const uint64_t bits = request.tag[1];
  const goromdb_value& value = answer.values[0];
  const bool hit = value.status == GOROMDB_OK;
  if (!hit && (bits & kQuiet) != 0) return;
  const auto* begin = static_cast<const uint8_t*>(request.arg.ptr);
  Words flags(begin, begin + request.arg.len);
  const bool known = hit && (bits & kCompare) != 0 && is_known(flags, value);
  const bool with_value = hit && (bits & kValue) != 0 && !known;
  uint8_t* cursor = out.reserve(kBound);
  if (cursor == nullptr) return;
  cursor = put(cursor, with_value ? "VA " : hit ? "HD" : "EN");
  if (with_value) cursor = put_number(cursor, value.len);
  for (std::string_view word = flags.next(); !word.empty(); word = flags.next()) {
    if (word[0] == 'O') {
      *cursor++ = ' ';
      cursor = put(cursor, word);
    } else if (word[0] == 'k') {
      cursor = put(cursor, " k");
      cursor = put_key(cursor, key_of(answer), (bits & kBase64) != 0);
      if ((bits & kBase64) != 0) cursor = put(cursor, " b");
    } else if (hit) {
      cursor = put_fact(cursor, word[0], value);
    }
  }
  out.commit(put(cursor, "\r\n"));
  if (!with_value) return;
  out.put_value(value);
  out.put("\r\n");
}

void write_meta_debug(const goromdb_request& request, const goromdb_answer& answer, Writer& out) {
  const goromdb_value& value = answer.values[0];
  if (value.status != GOROMDB_OK) return out.put(text::kMetaMiss);
  uint8_t* cursor = out.reserve(base64_size(kMaxKey) + 128);
  if (cursor == nullptr) return;
  cursor = put(cursor, "ME ");
  cursor = put_key(cursor, key_of(answer), (request.tag[1] & kBase64) != 0);
  cursor = put(cursor, " exp=-1 la=0 cas=");
  cursor = put_number(cursor, cas_of(value));
  cursor = put(cursor, " fetch=no cls=1 size=");
  cursor = put_number(cursor, key_of(answer).size() + value.len);
  out.commit(put(cursor, "\r\n"));
}

}  // namespace goromdb::memcached
