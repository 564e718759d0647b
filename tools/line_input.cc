// SPDX-License-Identifier: MIT
#include "tools/line_input.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace goromdb::tools {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr size_t kLongestMessage = 1000;

bool begins_character(char c) { return (c & 0xC0) != 0x80; }

}  // namespace

LineInput::LineInput(Fd fd, std::string name, uint64_t size, InputLimits limits)
    : fd_(std::move(fd)),
      name_(std::move(name)),
      size_(size),
      limits_(limits),
      buffer_(limits.block + kPadding, '\0') {}

Result<void> LineInput::start() {
  while (end_ < kByteOrderMark.size() && !final_) {
    if (auto done = read(); !done) return done;
  }
  if (std::string_view(buffer_.data(), end_).starts_with(kByteOrderMark)) {
    begin_ = kByteOrderMark.size();
  }
  started_ = true;
  return {};
}

// Moves what has not been given to the front and reads on behind it.
Result<void> LineInput::read() {
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  if (end_ + kPadding == buffer_.size()) buffer_.resize(2 * end_ + kPadding);
  ssize_t n = 0;
  do {
    n = ::read(fd_.get(), buffer_.data() + end_, buffer_.size() - kPadding - end_);
  } while (n < 0 && errno == EINTR);
  if (n < 0) return fail_errno(fmt::format("read {}", name_));
  final_ = n == 0;
  end_ += static_cast<size_t>(n);
  done_ += static_cast<uint64_t>(n);
  std::memset(buffer_.data() + end_, 0, kPadding);
  return {};
}

Result<bool> LineInput::next_line(std::string_view& line) {
  if (!started_) {
    if (auto done = start(); !done) return tl::unexpected(done.error());
  }
  for (size_t searched = 0;;) {
    const std::string_view text(buffer_.data() + begin_, end_ - begin_);
    const size_t found = text.find('\n', searched);
    const size_t size = std::min(found, text.size());
    if (size > limits_.longest_row) return too_long(line_ + 1);
    if (found == std::string_view::npos && !final_) {
      searched = size;
      if (auto done = read(); !done) return tl::unexpected(done.error());
      continue;
    }
    if (text.empty()) return false;
    line = text.substr(0, size);
    begin_ += std::min(size + 1, text.size());
    ++line_;
    return true;
  }
}

Result<bool> LineInput::next_part(std::string_view& part) {
  if (!started_) {
    if (auto done = start(); !done) return tl::unexpected(done.error());
  }
  while (begin_ == end_) {
    if (final_) return false;
    if (auto done = read(); !done) return tl::unexpected(done.error());
  }
  const std::string_view text(buffer_.data() + begin_, end_ - begin_);
  part = text.substr(0, std::min(text.find('\n'), text.size() - 1) + 1);
  begin_ += part.size();
  if (line_ended_) ++line_;
  line_ended_ = part.back() == '\n';
  return true;
}

tl::unexpected<Error> LineInput::wrong(uint64_t line, std::string_view what) const {
  std::string message = fmt::format("{}:{}: {}", name_, line, what);
  if (message.size() > kLongestMessage) {
    size_t end = kLongestMessage;
    while (!begins_character(message[end])) --end;
    message.replace(end, std::string::npos, "...");
  }
  for (char& c : message) {
    if (static_cast<unsigned char>(c) < ' ') c = '?';
  }
  return reject(std::move(message));
}

tl::unexpected<Error> LineInput::too_long(uint64_t line) const {
  return wrong(line, fmt::format("the row is longer than {} bytes; split it", limits_.longest_row));
}

}  // namespace goromdb::tools
