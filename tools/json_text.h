// SPDX-License-Identifier: MIT
// JSON as it is written.
#pragma once

#include <string>
#include <string_view>

namespace goromdb::tools {

bool is_utf8(std::string_view bytes);
// Appends a JSON string (RFC 8259, section 7); `text` is UTF-8.
void append_json_string(std::string& out, std::string_view text);

}  // namespace goromdb::tools
