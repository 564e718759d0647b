// SPDX-License-Identifier: MIT
// The arguments of one command, read off the wire where they lie: bulk strings that the parser has
// found to be whole. No copy, no array; a cursor to be passed by value. Borrows the bytes.
#pragma once

#include <goromdb/text.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace goromdb::redis {

class Args {
 public:
  Args() = default;
  Args(const uint8_t* at, uint32_t count) : at_(at), left_(count) {}

  uint32_t left() const { return left_; }
  const uint8_t* at() const { return at_; }

  // The next argument; empty when there is none left.
  std::string_view next() {
    if (left_ == 0) return {};
    --left_;
    const uint8_t* p = at_ + 1;  // behind the '$'
    size_t len = 0;
    for (; *p != '\r'; ++p) len = len * 10 + (*p - '0');
    p += 2;
    at_ = p + len + 2;
    return {reinterpret_cast<const char*>(p), len};
  }
  // The argument `n` places further on, from 0; empty when there is none.
  std::string_view peek(uint32_t n = 0) const {
    Args ahead = *this;
    for (; n > 0; --n) ahead.next();
    return ahead.next();
  }
  void skip(uint32_t n) {
    for (; n > 0 && left_ > 0; --n) next();
  }

 private:
  const uint8_t* at_ = nullptr;
  uint32_t left_ = 0;
};

}  // namespace goromdb::redis
