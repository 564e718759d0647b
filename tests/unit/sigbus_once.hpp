// SPDX-License-Identifier: MIT
// The handler for lost pages, as the server has it, in a test's process.
#pragma once

#include "core/base/sigbus.h"

namespace goromdb::test {

// A second one would take the first for what had been there before.
inline void handle_sigbus_once() {
  static const bool is_done = (handle_sigbus(), true);
  (void)is_done;
}

}  // namespace goromdb::test
