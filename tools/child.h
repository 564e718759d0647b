// SPDX-License-Identifier: MIT
// Data files are read in a process of their own: some storages' libraries die on damaged files.
#pragma once

#include <functional>
#include <string>

#include "core/error.h"

namespace goromdb::tools {

// Runs `work` in a child process that has this one's standard streams, and waits for it. Its exit
// status, or a failure that says how the reader died. A closed pipe ends this process, too, as
// SIGPIPE does. To be called while there is one thread.
Result<int> in_child(const std::function<int()>& work);

// The same, with the failure reported; `file` is what was read.
int read_in_child(const std::string& file, const std::function<int()>& work);

}  // namespace goromdb::tools
