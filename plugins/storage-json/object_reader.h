// SPDX-License-Identifier: MIT
// One JSON object out of simdjson, checked as a whole.
//
// On-Demand checks what it is asked for, and neither what is passed over nor what follows; it knows
// no numbers beyond 64 bits. This is the rest of RFC 8259: a walk over what is served as text, a
// grammar of numbers, an end. Throws SyntaxErrors; simdjson's exceptions end here.
#pragma once

#include "syntax_error.h"

#include <simdjson.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace goromdb {

namespace ondemand = simdjson::ondemand;

class ObjectReader {
 public:
  static constexpr unsigned kMaxDepth = 1024;
  static constexpr size_t kTellEvery = size_t{256} << 10;

  // Told how far it is in the text, each kTellEvery bytes; what it throws ends the reading.
  using OnTheWay = std::function<void(const char* at)>;

  explicit ObjectReader(OnTheWay on_the_way) : on_the_way_(std::move(on_the_way)) {}

  // Hands the object that `text` is to read(), which has to pass over all its members.
  template <class Read>
  void read(simdjson::padded_string_view text, Read&& read) {
    ondemand::document document = start(text);
    try {
      read(document.get_object().value());
    } catch (const simdjson::simdjson_error& e) {
      fail(e.error(), document, text);
    }
    finish(document);
  }

  // The reading is at `at`, which is told when it is far from what was told last.
  void pass(const char* at) {
    const auto place = reinterpret_cast<uintptr_t>(at);
    if (place - told_ < kTellEvery) return;  // what lies before that is far, too
    told_ = place;
    on_the_way_(at);
  }

  // The text of a value that is no string, as it stands in the file. An array or an object is
  // `depth` levels deep; what is in it is checked.
  std::string_view text(ondemand::value value, unsigned depth);

  // Writes the bytes that a string stands for; returns the end of them. No more than the string's
  // own text and SIMDJSON_PADDING bytes are written.
  char* decode(ondemand::raw_json_string string, char* out) const {
    auto* to = reinterpret_cast<uint8_t*>(out);
    if (parser_.unescape(string, to).error() != simdjson::SUCCESS) fail_in_string(string.raw() - 1);
    return reinterpret_cast<char*>(to);
  }
  // The same in memory of the reader until the next call of decoded() or text(). `size` is no less
  // than the text's.
  std::string_view decoded(ondemand::raw_json_string string, size_t size);
  // A string's bytes in memory of the reader until the next object. Not in simdjson's own: it does
  // not notice when it gets none.
  std::string_view kept(ondemand::value string);

 private:
  ondemand::document start(simdjson::padded_string_view text);
  void finish(ondemand::document& document);
  [[noreturn]] static void fail(simdjson::error_code error, ondemand::document& document,
                                std::string_view text);
  [[noreturn]] static void fail_in_string(const char* quote);
  void check(ondemand::value value, unsigned depth);
  void check_string(ondemand::raw_json_string string, size_t size);

  const OnTheWay on_the_way_;
  uintptr_t told_ = 0;
  ondemand::parser parser_;
  std::string scratch_;
  std::string kept_;
  size_t kept_used_ = 0;
  size_t text_size_ = 0;  // all strings of the object together are no longer
};

}  // namespace goromdb
