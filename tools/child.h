// SPDX-License-Identifier: MIT
// Data files are read in a process of their own: some storages' libraries die on damaged files.
#pragma once

#include <functional>
#include <string>

#include "core/base/error.h"
#include "tools/commands.h"

namespace goromdb::tools {

// Runs `work` in a child process that has this one's standard streams, and waits for it. Its exit
// status, or how it died: "(signal 11)". What a shell sends to end the child (SIGINT, SIGPIPE,
// ...) ends this process the same way. To be called while there is one thread.
Result<int> in_child(const std::function<int()>& work);

// The same for what reads a data file, with the death reported.
int read_in_child(const std::string& file, const std::function<int()>& work);
// The same with the file opened, and what goes wrong reported.
int read_in_child(const ReadOptions& options, const std::function<Result<void>(DataSet&)>& work);

}  // namespace goromdb::tools
