// SPDX-License-Identifier: MIT
// Who has what this process cannot have, in words: "process 123 (goromdb)", or "another process"
// where the kernel does not tell. Any thread; reads /proc.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/file.h"

namespace goromdb {

// Who holds a flock on the open file.
std::string holder_of_lock(const Fd& fd);
// Who listens on the TCP port.
std::string holder_of_port(uint16_t port);
// Who listens where this unix socket is connected to.
std::string holder_of_other_end(const Fd& connected);

}  // namespace goromdb
