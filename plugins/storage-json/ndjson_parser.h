// SPDX-License-Identifier: MIT
// Lines of JSON to the entries of a data set: {"key": ..., "value": ...}, and where they are not
// empty "namespace" and "flags"; bytes that are not UTF-8 as "key_b64", "value_b64".
#pragma once

#include "dataset.h"
#include "object_reader.h"
#include "window.h"

#include <goromdb/flat_index.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace goromdb {

// Is the text at the window's position NDJSON rather than one object? It is when its first line is
// a whole entry and another line with an object follows. Reads on as far as it takes to know.
bool looks_like_ndjson(Window& window);

class NdjsonParser {
 public:
  static constexpr size_t kLongestLine = size_t{1} << 30;
  static constexpr const char* kTooLong = "a line is longer than 1073741824 bytes";

  // What a thread is given at once, when the window has that for each. Waking one takes long.
  static constexpr size_t kShare = size_t{4} << 20;

  // Uses so many threads, the caller's with them. What comes of it does not depend on the number.
  NdjsonParser(Window& window, DatasetBuilder& builder, uint32_t threads);
  ~NdjsonParser();

  // Reads the whole text. Throws SyntaxErrors that name the line, and what the window throws.
  void run();

 private:
  struct LineEntry;
  class LineReader;
  class Share;

  void read_lines(const char* begin, const char* end);
  void add(const LineEntry& entry);
  uint32_t namespace_id(std::string_view name, const char* at);

  Window& window_;
  DatasetBuilder& builder_;
  const std::unique_ptr<LineReader> reader_;
  std::vector<Share> shares_;  // of the other threads
  std::unordered_map<std::string, uint32_t, SeededHash> ids_;
  uint64_t line_ = 1;
  bool seen_entry_ = false;
};

}  // namespace goromdb
