// SPDX-License-Identifier: MIT
// RFC 4648, section 4: the usual alphabet, padded, nothing else in between.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace goromdb::tools {

std::string encode_base64(std::string_view bytes);
// Nothing when `text` is not base64; the bits that padding throws away must be 0.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace goromdb::tools
