// SPDX-License-Identifier: MIT
#include "tools/text.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace goromdb::tools {
namespace {

constexpr char kHex[] = "0123456789abcdef";
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// How many bytes the UTF-8 character at the front has; 0: there is none.
size_t character_at(std::string_view text) {
  for (size_t n = 1; n <= 4 && n <= text.size(); ++n) {
    if (is_utf8(text.substr(0, n))) return n;
  }
  return 0;
}

}  // namespace

std::string json_string(std::string_view text) {
  std::string valid, out;
  while (!text.empty()) {
    const size_t n = character_at(text);
    valid += n > 0 ? text.substr(0, n) : kReplacement;
    text.remove_prefix(std::max<size_t>(n, 1));
  }
  append_json_string(out, valid);
  return out;
}

void append_tsv_field(std::string& out, std::string_view bytes) {
  if (!is_utf8(bytes) || bytes.starts_with(kBase64Mark)) {
    out += kBase64Mark;
    out += encode_base64(bytes);
    return;
  }
  for (const char c : bytes) {
    switch (c) {
      case '\t':
        out += "\\t";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\\':
        out += "\\\\";
        break;
      default:
        out += c;
    }
  }
}

std::string printable(std::string_view bytes) {
  constexpr size_t kMost = 80;
  std::string out;
  for (const char c : bytes.substr(0, kMost)) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte >= 0x20 && byte < 0x7F) {
      out += c;
    } else {
      out += "\\x";
      out += kHex[byte >> 4];
      out += kHex[byte & 0xF];
    }
  }
  if (bytes.size() > kMost) out += "...";
  return out;
}

Result<void> Output::write(std::string_view bytes) {
  if (bytes.size() < kBlock) {
    buffer_ += bytes;
    return written();
  }
  return flush().and_then([&] { return write_now(bytes); });
}

Result<void> Output::flush() {
  auto done = write_now(buffer_);
  buffer_.clear();
  return done;
}

Result<void> Output::write_now(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) {  // somebody has made it non-blocking
      pollfd room{STDOUT_FILENO, POLLOUT, 0};
      ::poll(&room, 1, -1);
      continue;
    }
    if (n < 0) return fail_errno("write to standard output");
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

}  // namespace goromdb::tools
