// SPDX-License-Identifier: MIT
// Lines of JSON to the entries of a data set: {"key": ..., "value": ...}, and where they are not
// empty "namespace" and "flags"; bytes that are not UTF-8 as "key_b64", "value_b64".
#pragma once

#include "dataset.h"
#include "object_reader.h"
#include "window.h"

#include <string>
#include <string_view>
#include <unordered_map>

namespace goromdb {

// Is the text at the window's position NDJSON rather than one object? It is when its first line is
// a whole entry and another line with an object follows. Reads on as far as it takes to know.
bool looks_like_ndjson(Window& window);

class NdjsonParser {
 public:
  static constexpr size_t kLongestLine = size_t{1} << 30;
  static constexpr const char* kTooLong = "a line is longer than 1073741824 bytes";

  NdjsonParser(Window& window, DatasetBuilder& builder) : window_(window), builder_(builder) {}

  // Reads the whole text. Throws SyntaxErrors that name the line, and what the window throws.
  void run();

 private:
  bool next_line();
  void parse(const char* begin, const char* end);
  uint32_t namespace_id(std::string_view name, const char* at);

  Window& window_;
  DatasetBuilder& builder_;
  ObjectReader reader_;
  std::unordered_map<std::string, uint32_t> ids_;
  uint64_t line_ = 1;
  bool seen_entry_ = false;
  std::string key_, value_;  // out of base64
};

}  // namespace goromdb
