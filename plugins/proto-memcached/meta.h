// SPDX-License-Identifier: MIT
// The meta commands that read: mg and me. Source: memcached's doc/protocol.txt, "Meta Commands",
// and what memcached 1.6.18 and 1.6.45 do.
#pragma once

#include <goromdb/sdk.hpp>

#include "batch.h"
#include "words.h"

namespace goromdb::memcached {

// The words behind the command's name to a request.
Step read_meta_get(Batch& batch, const Settings& settings, const Command& command, Words words);
Step read_meta_debug(Batch& batch, const Settings& settings, const Command& command, Words words);

// What a well-formed `ms` is told that was not stored: `NS`, or `NF` with a `C`, and what its flags
// ask for. Views point into it and into the line.
class MetaNotStored {
 public:
  MetaNotStored(std::string_view key, Words flags);

  std::string_view error() const { return error_; }  // of a flag or of the key's base64
  std::string_view text() const { return {text_, text_size_}; }
  // The key that has to be there for this, decoded, of a mode that adds; else empty.
  std::string_view key() const { return key_; }

 private:
  std::string_view error_, key_;
  uint8_t decoded_[kMaxKey];
  char text_[kMaxKey + 64];
  size_t text_size_ = 0;
};

// Whether such a request counts as a touch, too, as memcached has it.
bool meta_touches(const goromdb_request& request);

// The answers, of a request whose key was a hit or a miss.
void write_meta_get(const goromdb_request& request, const goromdb_answer& answer, Writer& out);
void write_meta_debug(const goromdb_request& request, const goromdb_answer& answer, Writer& out);

}  // namespace goromdb::memcached
