// SPDX-License-Identifier: MIT
// Writes a data file: an NDJSON line an entry. One thread; throws a Failure.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace goromdb {

// Takes entries sorted by namespace and key, so that a key that comes twice is seen. What was put
// is given back byte for byte when the file is read.
class LineWriter {
 public:
  // Makes the file, which must not be there.
  explicit LineWriter(const char* path);

  void put(std::string_view ns, std::string_view key, std::string_view value, uint32_t flags);
  void finish();

 private:
  struct Entry {
    std::string ns, key, value;
    uint32_t flags;
  };
  void write_line(const Entry& entry);
  void write_alone(const Entry& entry);
  void write(std::string_view text);
  [[noreturn]] void refuse(const std::string& why) const;
  [[noreturn]] void fail(const char* what) const;

  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  const std::string path_;
  std::unique_ptr<std::FILE, Close> file_;
  std::optional<Entry> last_;  // not written yet when it is the first: it may be the only one
  uint64_t count_ = 0;
  std::string line_;
};

}  // namespace goromdb
