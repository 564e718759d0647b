// SPDX-License-Identifier: MIT
// The command line; nothing else.
#include "core/cli.h"

int main(int argc, char** argv) { return goromdb::run_command_line(argc, argv); }
