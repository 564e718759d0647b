// SPDX-License-Identifier: MIT
// Reading on, and where the bytes go.
#include "window.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace goromdb {
namespace {

constexpr size_t kPadding = simdjson::SIMDJSON_PADDING;
constexpr size_t kAtOnce = size_t{4} << 20;  // between two looks at whether the server is stopping

}  // namespace

Window::Window(Source& source, const File& file, Host host, size_t smallest)
    : source_(source),
      file_(file),
      host_(host),
      memory_(smallest + kPadding),
      pos_(memory_.data()),
      end_(memory_.data()),
      kept_from_(memory_.data()) {}

void Window::fill() {
  const char* const limit = memory_.data() + memory_.size() - kPadding;
  while (end_ < limit && !final_) {
    host_.progress(file_.position(), file_.size());
    const auto got = source_.read(end_, std::min(static_cast<size_t>(limit - end_), kAtOnce));
    end_ += got.value_or(0);
    final_ = !got;
    watch_.grown_to(static_cast<uint64_t>(end_ - memory_.data()));
  }
  std::memset(end_, 0, kPadding);
}

void Window::forget_before(const char* p) {
  char* const to = const_cast<char*>(p) - reinterpret_cast<uintptr_t>(p) % kForgottenAtOnce;
  if (to <= kept_from_) return;
  ::madvise(kept_from_, static_cast<size_t>(to - kept_from_), MADV_DONTNEED);
  kept_from_ = to;
}

void Window::more(size_t longest, const char* too_long) {
  const auto kept = static_cast<size_t>(end_ - pos_);
  const size_t capacity = memory_.size() - kPadding;
  if (kept > longest) throw SyntaxError{pos_, too_long, GOROMDB_E_TOO_BIG};
  base_ = offset(pos_);
  if (pos_ != memory_.data()) std::memmove(memory_.data(), pos_, kept);
  // At least half of the window is read anew each time, so looking again at what is kept costs no
  // more than reading it.
  if (kept > capacity / 2) memory_.resize(capacity * 2 + kPadding);
  pos_ = kept_from_ = memory_.data();
  end_ = memory_.data() + kept;
  fill();
}

void Window::read_all(size_t longest, const char* too_long) {
  if (!is_compressed(file_) && !final_) {
    if (file_.size() > longest) throw SyntaxError{pos_, too_long, GOROMDB_E_TOO_BIG};
    // Room for one byte more, so that the end of the file shows.
    const auto before = static_cast<size_t>(pos_ - memory_.data());
    const auto held = static_cast<size_t>(end_ - memory_.data());
    memory_.resize(std::max<size_t>(memory_.size(), file_.size() + 1 + kPadding));
    pos_ = memory_.data() + before;
    kept_from_ = memory_.data();
    end_ = memory_.data() + held;
    fill();
  }
  while (!final_) more(longest, too_long);
  if (static_cast<size_t>(end_ - pos_) > longest) {
    throw SyntaxError{pos_, too_long, GOROMDB_E_TOO_BIG};
  }
}

const char* skip_space(const char* p, const char* end) {
  while (p < end && is_space(*p)) ++p;
  return p;
}

}  // namespace goromdb
