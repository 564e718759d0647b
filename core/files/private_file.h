// SPDX-License-Identifier: MIT
// Who else may change a file that is served. A mapped file must stay as it is; a program that had
// it open for writing when it was taken can write to it all the same: nothing prevents that. Any
// thread; every call may block on the disk.
#pragma once

#include <string>
#include <vector>

namespace goromdb {

// Takes everybody's right to write to the file away: mode 0444. Where that is not allowed the mode
// stays, and weaknesses_of() says so.
void make_read_only(const std::string& path);

// Each a sentence with the next step: the file, or a folder on its way from `basedir` down, may be
// written to by others than this process's user and root; or a program has the file open for
// writing now.
std::vector<std::string> weaknesses_of(const std::string& path, const std::string& basedir);

}  // namespace goromdb
