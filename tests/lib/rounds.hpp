// SPDX-License-Identifier: MIT
// How much of a long test is run.
#pragma once

#include <algorithm>

namespace goromdb::test {

// Of `all` repetitions, entries or other units of work that differ in chance alone a sanitizer's
// build, which is ten times as slow, does an eighth.
template <class Number>
constexpr Number rounds(Number all) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return std::max(all / 8, Number{1});
#else
  return all;
#endif
}

}  // namespace goromdb::test
