// SPDX-License-Identifier: MIT
// An inline command (https://redis.io/docs/reference/protocol-spec, "Inline commands"): words
// separated by white space, with quotes as redis-cli knows them: "..." with \n \r \t \b \a \xHH and
// any other byte after a backslash as itself, '...' with \' alone; a closing quote ends the word.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace goromdb::redis {

// Writes the words of `line` into `out` as a request of bulk strings: "$3\r\nGET\r\n...", without
// the head. Returns how many there are; -1 if quotes are unbalanced.
int64_t split_inline(std::string_view line, std::string& out);

}  // namespace goromdb::redis
