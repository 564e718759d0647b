// SPDX-License-Identifier: MIT
// What `goromdb build` reads: rows of text or another storage's data file, from a file or standard
// input.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "tools/commands.h"
#include "tools/entry.h"
#include "tools/output_file.h"

namespace goromdb::tools {

// An opened input; it goes before the copy of standard input that it may read.
struct Input {
  std::optional<TemporaryName> copy;
  std::unique_ptr<Source> source;
  std::string name;              // for messages
  std::string format;            // csv, tsv, ndjson or the storage's name
  bool is_file_of_rows = false;  // a regular file of text, which open_input() reads again
};

// By --from, else by the file's name (.csv, .tsv, .ndjson, .jsonl), else the storage that
// recognises it. A storage needs a file: its standard input is copied beside the output first.
// Misuse: the command line is wrong. Failure: the input cannot be read.
Result<Input> open_input(const BuildOptions& options);

// The error with a temporary file's path replaced by what a user knows.
Error renamed(Error error, const std::string& temporary, const std::string& name);

}  // namespace goromdb::tools
