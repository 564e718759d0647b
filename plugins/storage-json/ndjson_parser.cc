// SPDX-License-Identifier: MIT
// Entries, line by line. A line is whole in the window before it is looked at; a window's lines may
// be shared out among threads, whose entries are added in the order of the file.
#include "ndjson_parser.h"

#include <goromdb/json_text.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstring>
#include <future>
#include <system_error>
#include <utility>

namespace goromdb {
namespace {

constexpr std::array<std::string_view, 6> kMembers = {"key",       "key_b64",   "value",
                                                      "value_b64", "namespace", "flags"};
constexpr std::chrono::milliseconds kTellEvery{100};  // while a share is waited for
constexpr size_t kSmallestShare = size_t{64} << 10;   // of a thread's: less is not worth the start

enum Member : size_t { kKey, kKeyB64, kValue, kValueB64, kNamespace, kFlags, kUnknown };

// A string's bytes, in the reader's memory until the next line; any other value's text.
struct Value {
  const char* at = nullptr;  // in the line
  bool is_string = false;
  std::string_view bytes;
};

struct Entry {
  std::array<Value, kMembers.size()> members{};

  bool has(Member m) const { return members[m].at != nullptr; }
  const Value& operator[](Member m) const { return members[m]; }
};

// Names are compared as they are written, without escapes.
Member member_named(ondemand::raw_json_string name) {
  const auto found = std::find_if(kMembers.begin(), kMembers.end(),
                                  [&](std::string_view member) { return name == member; });
  return static_cast<Member>(found - kMembers.begin());
}

Value read_value(ObjectReader& reader, ondemand::value value) {
  const std::string_view token = value.raw_json_token();
  Value result{token.data(), token.starts_with('"'), {}};
  result.bytes = result.is_string ? reader.kept(value) : reader.text(value, 2);
  return result;
}

Entry read_entry(ObjectReader& reader, simdjson::padded_string_view line) {
  Entry entry;
  reader.read(line, [&](ondemand::object object) {
    for (ondemand::field field : object) {
      const char* const name_at = field.key().raw() - 1;
      const Member member = member_named(field.key());
      if (member == kUnknown) {
        throw SyntaxError{name_at,
                          "a member that an entry does not have; it has key or key_b64, value or "
                          "value_b64, namespace, flags"};
      }
      if (entry.has(member)) throw SyntaxError{name_at, "a member that the entry has already"};
      entry.members[member] = read_value(reader, field.value());
    }
  });
  return entry;
}

std::string_view string_only(const Value& value, const char* what) {
  if (value.is_string) return value.bytes;
  throw SyntaxError{value.at, std::string(what) + " is not a string"};
}

// The bytes behind a base64 string, kept in `bytes`.
std::string_view from_base64(const Value& value, size_t longest, std::string& bytes) {
  if (!decode_base64(string_only(value, "the base64"), bytes)) {
    throw SyntaxError{value.at, "not base64 (RFC 4648, padded)"};
  }
  if (bytes.size() > longest) {
    throw SyntaxError{value.at, "more than " + std::to_string(longest) + " bytes as base64",
                      GOROMDB_E_TOO_BIG};
  }
  return bytes;
}

uint32_t flags_from(const Value& value) {
  uint32_t flags = 0;
  const char* const last = value.bytes.data() + value.bytes.size();
  const auto [end, error] = std::from_chars(value.bytes.data(), last, flags);
  if (value.is_string || error != std::errc() || end != last) {
    throw SyntaxError{value.at, "flags are not a number from 0 to 4294967295"};
  }
  return flags;
}

const char* find_line_end(const char* begin, const char* end) {
  return static_cast<const char*>(std::memchr(begin, '\n', static_cast<size_t>(end - begin)));
}

// Behind the last line that is whole; `begin` when none is.
const char* last_line_end(const char* begin, const char* end) {
  const void* const last = ::memrchr(begin, '\n', static_cast<size_t>(end - begin));
  return last == nullptr ? begin : static_cast<const char*>(last) + 1;
}

}  // namespace

bool looks_like_ndjson(Window& window) {
  for (;;) {
    const char* const begin = skip_space(window.pos(), window.end());
    const char* const line_end = find_line_end(begin, window.end());
    const char* const next =
        line_end != nullptr ? skip_space(line_end, window.end()) : window.end();
    if (next < window.end()) {
      if (*next != '{') return false;
      try {
        ObjectReader reader([&](const char* at) { window.progress(at); });
        const Entry entry = read_entry(reader, window.piece(begin, line_end));
        return entry.has(kKey) || entry.has(kKeyB64);
      } catch (const SyntaxError&) {
        return false;  // read as one object it may be right, or gets the better message
      }
    }
    const auto size = static_cast<size_t>(window.end() - window.pos());
    if (window.final() || size > NdjsonParser::kLongestLine) return false;
    window.more(NdjsonParser::kLongestLine, NdjsonParser::kTooLong);
  }
}

// What an entry refers to is good until the next one.
struct NdjsonParser::LineEntry {
  const char* at;  // its line, for errors
  std::string_view ns, key, value;
  uint32_t flags;
};

// Takes lines apart. One thread.
class NdjsonParser::LineReader {
 public:
  explicit LineReader(ObjectReader::OnTheWay on_the_way) : reader_(std::move(on_the_way)) {}

  // Hands each entry of the whole lines in [begin, end) to take(); `line` is counted up behind each
  // line.
  template <class Take>
  void read(const Window& window, const char* begin, const char* end, uint64_t& line, Take&& take) {
    while (begin < end) {
      const char* line_end = find_line_end(begin, end);
      if (line_end == nullptr) line_end = end;
      const char* const p = skip_space(begin, line_end);
      if (p < line_end) take(parse(window.piece(p, line_end)));
      begin = line_end + 1;
      ++line;
    }
  }

 private:
  LineEntry parse(simdjson::padded_string_view line) {
    const Entry entry = read_entry(reader_, line);
    if (entry.has(kKey) == entry.has(kKeyB64)) {
      throw SyntaxError{line.data(), "an entry has a key or a key_b64, one of them"};
    }
    if (entry.has(kValue) == entry.has(kValueB64)) {
      throw SyntaxError{line.data(), "an entry has a value or a value_b64, one of them"};
    }
    LineEntry result{line.data(), {}, {}, {}, 0};
    if (entry.has(kNamespace)) result.ns = string_only(entry[kNamespace], "the namespace");
    if (entry.has(kFlags)) result.flags = flags_from(entry[kFlags]);
    result.key = entry.has(kKey) ? string_only(entry[kKey], "the key")
                                 : from_base64(entry[kKeyB64], RecordArena::kMaxKey, key_);
    result.value = entry.has(kValue)
                       ? entry[kValue].bytes
                       : from_base64(entry[kValueB64], RecordArena::kMaxValue, value_);
    return result;
  }

  ObjectReader reader_;
  std::string key_, value_;  // out of base64
};

// The lines that another thread reads, and its entries.
class NdjsonParser::Share {
 public:
  Share() : reader_([this](const char*) { stop_if_asked(); }) {}
  ~Share() { stopping_ = true; }
  Share(const Share&) = delete;
  Share& operator=(const Share&) = delete;

  void start(const Window& window, const char* begin, const char* end) {
    begin_ = begin;
    lines_ = 0;
    entries_.clear();
    bytes_.clear();
    const auto work = [this, &window, begin, end] {
      reader_.read(window, begin, end, lines_, [this](const LineEntry& entry) { keep(entry); });
    };
    try {
      done_ = std::async(std::launch::async, work);
    } catch (const std::system_error&) {  // no thread is to be had
      done_ = std::async(std::launch::deferred, work);
    }
  }

  // Waits; hands the entries to take(), then throws what ended the reading. `line` is that of the
  // entry or of what is thrown.
  template <class Take>
  void finish(const Window& window, uint64_t& line, Take&& take) {
    while (done_.wait_for(kTellEvery) == std::future_status::timeout) window.progress(begin_);
    done_.wait();
    const uint64_t first = line;
    const char* p = bytes_.data();
    for (Kept& each : entries_) {
      const auto next = [&](size_t size) {
        return std::string_view(std::exchange(p, p + size), size);
      };
      LineEntry& entry = each.entry;
      entry.ns = next(entry.ns.size());
      entry.key = next(entry.key.size());
      entry.value = next(entry.value.size());
      line = first + each.line;
      take(entry);
    }
    line = first + lines_;
    done_.get();
  }

 private:
  struct Kept {
    LineEntry entry;  // of its views the sizes
    uint64_t line;
  };
  void keep(const LineEntry& entry) {
    entries_.push_back({entry, lines_});
    bytes_.append(entry.ns).append(entry.key).append(entry.value);
  }

  void stop_if_asked() const {
    if (stopping_) throw Failure(GOROMDB_E_CANCELLED, "the server is stopping");
  }

  std::atomic<bool> stopping_ = false;
  LineReader reader_;
  const char* begin_ = nullptr;
  std::vector<Kept> entries_;
  std::string bytes_;
  uint64_t lines_ = 0;
  std::future<void> done_;  // last: it waits for what uses the others
};

NdjsonParser::NdjsonParser(Window& window, DatasetBuilder& builder, uint32_t threads)
    : window_(window),
      builder_(builder),
      reader_(std::make_unique<LineReader>([this](const char* at) { window_.progress(at); })),
      shares_(threads - 1) {}

NdjsonParser::~NdjsonParser() = default;

void NdjsonParser::run() {
  try {
    for (;;) {
      const char* const begin = window_.pos();
      const char* const end = window_.final() ? window_.end() : last_line_end(begin, window_.end());
      read_lines(begin, end);
      window_.advance(end);
      if (window_.final()) break;
      window_.more(kLongestLine, kTooLong);
    }
  } catch (SyntaxError& e) {
    e.what = "line " + std::to_string(line_) + ": " + e.what;
    throw;
  }
  if (!seen_entry_) throw SyntaxError{window_.end(), "the file is empty"};
}

// The first share is this thread's and needs no detour.
void NdjsonParser::read_lines(const char* begin, const char* end) {
  const auto size = static_cast<size_t>(end - begin);
  const size_t shares = std::min(shares_.size(), size / kSmallestShare);
  const auto cut = [&](size_t i) {
    if (i == shares + 1) return end;
    const char* const p = begin + size / (shares + 1) * i;
    const char* const line_end = i == 0 ? nullptr : find_line_end(p, end);
    return i == 0 ? begin : line_end == nullptr ? end : line_end + 1;
  };
  for (size_t i = 0; i < shares; ++i) shares_[i].start(window_, cut(i + 1), cut(i + 2));
  const auto take = [this](const LineEntry& entry) { add(entry); };
  reader_->read(window_, begin, cut(1), line_, take);
  for (size_t i = 0; i < shares; ++i) shares_[i].finish(window_, line_, take);
}

void NdjsonParser::add(const LineEntry& entry) {
  const uint32_t ns = entry.ns.empty() ? 0 : namespace_id(entry.ns, entry.at);
  builder_.add(ns, entry.flags, entry.key, entry.value, entry.at);
  seen_entry_ = true;
}

uint32_t NdjsonParser::namespace_id(std::string_view name, const char* at) {
  const auto [known, is_new] = ids_.try_emplace(std::string(name), 0);
  if (is_new) known->second = builder_.add_namespace(name, at);
  return known->second;
}

}  // namespace goromdb
