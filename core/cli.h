// SPDX-License-Identifier: MIT
// The command line: subcommands, the Go program's flags, exit statuses. Main thread.
#pragma once

namespace goromdb {

// 0 done; 1 a failure while running; 2 a wrong command line, a wrong config or a refused plugin,
// with one line on stderr.
int run_command_line(int argc, char** argv);

}  // namespace goromdb
