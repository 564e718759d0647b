// SPDX-License-Identifier: MIT
// One JSON object to the entries of a data set.
#pragma once

#include "dataset.h"
#include "window.h"

namespace goromdb {

class JsonParser {
 public:
  // The text of one key and its value. A namespace is as long as it likes.
  static constexpr size_t kLongestMember = (size_t{1} << 32) + (size_t{64} << 20);
  static constexpr const char* kPiece = "a key with its value";

  // `namespaces`: an object right below the root is one; otherwise it is a value.
  JsonParser(Window& window, DatasetBuilder& builder, bool namespaces)
      : window_(window), builder_(builder), namespaces_(namespaces) {}

  // Reads the whole text. Throws SyntaxErrors, and what the window throws.
  void run();

 private:
  enum class Expect { kRoot, kMemberOrEnd, kMember, kCommaOrEnd, kNothing };

  const char* step(const char* p);
  const char* member(const char* p);
  const char* close(const char* p);

  Window& window_;
  DatasetBuilder& builder_;
  const bool namespaces_;
  Expect expect_ = Expect::kRoot;
  uint32_t ns_ = 0;  // 0 = right below the root
};

}  // namespace goromdb
