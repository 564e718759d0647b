// SPDX-License-Identifier: MIT
#include "line_writer.h"

#include <goromdb/data_file.hpp>
#include <goromdb/json_text.hpp>

#include <cerrno>
#include <cstring>

#include "record_arena.h"

namespace goromdb {

LineWriter::LineWriter(const char* path) : path_(path), file_(std::fopen(path, "wxe")) {
  if (!file_) fail("cannot be made");
}

void LineWriter::refuse(const std::string& why) const {
  throw Failure(GOROMDB_E_CONFIG, end_of(path_) + ": " + why);
}
void LineWriter::fail(const char* what) const {
  throw Failure(GOROMDB_E_IO, end_of(path_) + ": " + what + ": " + std::strerror(errno));
}

void LineWriter::write(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size()) {
    fail("cannot be written");
  }
}

void LineWriter::put(std::string_view ns, std::string_view key, std::string_view value,
                     uint32_t flags) {
  if (!is_utf8(ns)) refuse("the name of a namespace is not UTF-8; rename it");
  if (key.size() > RecordArena::kMaxKey) refuse("a key is longer than 16777215 bytes");
  if (last_ &&
      std::pair(ns, key) <= std::pair<std::string_view, std::string_view>(last_->ns, last_->key)) {
    refuse("keys must come sorted, each of them once");
  }
  if (count_ == 1) write_line(*last_);
  last_ = Entry{std::string(ns), std::string(key), std::string(value), flags};
  if (++count_ > 1) write_line(*last_);
}

void LineWriter::write_line(const Entry& entry) {
  line_ = "{";
  append_json_member(line_, "key", entry.key);
  line_ += ", ";
  append_json_member(line_, "value", entry.value);
  if (!entry.ns.empty()) {
    line_ += ", ";
    append_json_member(line_, "namespace", entry.ns);
  }
  if (entry.flags != 0) line_ += ", \"flags\": " + std::to_string(entry.flags);
  line_ += "}\n";
  write(line_);
}

// One line alone is taken for an object; so it is one.
void LineWriter::write_alone(const Entry& entry) {
  if (entry.flags != 0 || !is_utf8(entry.key) || !is_utf8(entry.value)) {
    refuse("one entry alone has no place for flags or bytes that are not UTF-8; add another entry");
  }
  line_ = "{";
  if (!entry.ns.empty()) {
    append_json_string(line_, entry.ns);
    line_ += ": {";
  }
  append_json_string(line_, entry.key);
  line_ += ": ";
  append_json_string(line_, entry.value);
  line_ += entry.ns.empty() ? "}\n" : "}}\n";
  write(line_);
}

void LineWriter::finish() {
  if (count_ == 0) write("{}\n");
  if (count_ == 1) write_alone(*last_);
  if (std::fflush(file_.get()) != 0) fail("cannot be written");
}

}  // namespace goromdb
