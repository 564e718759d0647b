// SPDX-License-Identifier: MIT
// The subcommands that are not the server: they make, read, check, compare and hand over data
// files, through the storage plugins' optional operations. Each prints and returns the exit status:
// 0 done, 1 a failure, 2 a wrong command line. Main thread of a process that does nothing else.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "tools/data_set.h"
#include "tools/fields.h"

namespace CLI {
class App;
}

namespace goromdb::tools {

struct ReadOptions {
  StorageChoice storage;
  std::string file;
  bool json = false;  // facts as one JSON object
};

enum class DumpFormat { kNdjson, kTsv, kJson };
struct DumpOptions : ReadOptions {
  std::optional<std::string> ns;  // only this one; "": the keys without one
  bool keys_only = false;
  DumpFormat format = DumpFormat::kNdjson;
};
int dump(const DumpOptions& options);

int verify(const ReadOptions& options);
int stat(const ReadOptions& options);

struct GetOptions : ReadOptions {
  std::string ns, key;
};
int get(const GetOptions& options);

struct DiffOptions {
  ReadOptions a, b;
  bool keys = false;       // list them
  bool exit_code = false;  // 1 when they differ
  bool json = false;
};
int diff(const DiffOptions& options);

enum class Duplicates { kError, kFirst, kLast };
struct BuildOptions {
  StorageChoice storage;  // of the output
  std::string input, output;
  std::string from;            // csv, tsv, ndjson or a storage; empty: by the input's name or bytes
  StorageChoice from_storage;  // its options, where `from` is one
  Fields fields;
  Duplicates duplicates = Duplicates::kError;
  bool drop_flags = false;  // for a storage that has no place for them
  bool sorted = false;      // the input is in order: refuse it where it is not, instead of sorting
  bool md5 = true, sha256 = false;  // sums beside the output
  bool force = false, quiet = false, json = false;
};
int build(const BuildOptions& options);

// Adds all of these to the command line; the returned function runs the one that was parsed and
// returns its exit status, or nothing where none was.
std::function<std::optional<int>()> add_commands(CLI::App& app);

// One line on standard error. Returns the exit status: 2 where the command line is wrong, else 1.
int report(const Error& error);

}  // namespace goromdb::tools
