// SPDX-License-Identifier: MIT
// Takes from a process what reading a file does not take: other files, writing, the network, other
// processes, programs. In the guard's process, before it opens a file from elsewhere.
#pragma once

#include <string>
#include <vector>

#include "core/base/error.h"

namespace goromdb {

// What stays within reach of a jailed process.
struct JailRoom {
  std::string file;     // may be read, as may the system's libraries, /proc and /sys
  std::string scratch;  // a folder for temporary files; empty: none may be written
};

// What this kernel and this build have, as far as this process may use it:
// "landlock+netns+seccomp", some of that, or "none". Any thread.
std::string jail_of_this_machine();

// For good: no new privileges, no capabilities but to read, landlock for paths, a network of its
// own where nothing is (netns), seccomp for system calls. One that only an attack makes ends the
// process, with a line "guard: rejected REASON" on standard output; what is merely not needed fails
// with ENOSYS, as in an older kernel. What the kernel lacks is left out and told, a line each;
// where memory or descriptors are short, that is an error. To be called before there are other
// threads.
Result<std::vector<std::string>> enter_jail(const JailRoom& room);

}  // namespace goromdb
