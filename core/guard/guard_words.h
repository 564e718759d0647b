// SPDX-License-Identifier: MIT
// What the two halves of the guard say to each other.
//
// goromdb open-in-guard SERVER MEMORY CPU SCRATCH THREADS FOLDER PLUGIN FILE [OPTION VALUE]...
// The numbers: the server's pid, three limits (core/guard/guard_limits.h), and how many threads the
// storage may use. FOLDER is for temporary files. Descriptor 3 is of FILE.
//
// The guard writes "guard: begun" when it is in its jail and the file is next, a line for each sign
// of life, "guard: progress DONE TOTAL", for what the kernel lacks, "guard: note TEXT", and at the
// end "guard: ok", "guard: rejected REASON" or "guard: failed REASON". Whatever else comes out of
// it, on standard output or error, is the storage's or its library's and goes to the log.
#pragma once

#include <string_view>

namespace goromdb::guard_words {

constexpr const char* kCommand = "open-in-guard";
constexpr int kFileDescriptor = 3;
// Their places in argv.
enum : int { kServer = 2, kMemory, kCpu, kScratch, kThreads, kFolder, kPlugin, kFile, kOptions };

constexpr std::string_view kBegun = "guard: begun", kProgress = "guard: progress ",
                           kNote = "guard: note ", kOk = "guard: ok",
                           kRejected = "guard: rejected ", kFailed = "guard: failed ";

}  // namespace goromdb::guard_words
