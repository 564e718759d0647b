// SPDX-License-Identifier: MIT
// A data file, opened for reading through its storage's plugin.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/arena.h"
#include "core/generation/entry_walk.h"
#include "core/plugin/plugin_host.h"
#include "tools/entry.h"

namespace goromdb::tools {

// Which storage reads or makes a file, and how; as a command line says it.
struct StorageChoice {
  std::string name;                      // empty: the one that recognises the file
  std::vector<std::string> options;      // "name=value"
  std::vector<std::string> plugin_path;  // folders, before the built-in one
  // What the command line calls name and options, for messages.
  std::string flag = "--storage", option_flag = "--option";
};

// The file that a link leads to: core and storages follow none, since a server's drop folder is
// anybody's, but on a command line a link is meant.
std::string behind_links(const std::string& path);

struct ChosenStorage {
  std::shared_ptr<Plugin> plugin;
  OptionValues options;
};

// Misuse: the choice is wrong. Failure: no storage recognises the file, or it cannot be read.
Result<ChosenStorage> choose_storage(const StorageChoice& choice, const std::string& file);

class Walk;

// One thread. Messages begin with the file's path.
class DataSet {
 public:
  // A link is followed. Misuse: the choice is wrong. Failure: the file.
  static Result<std::unique_ptr<DataSet>> open(const StorageChoice& choice,
                                               const std::string& path);
  ~DataSet();
  DataSet(const DataSet&) = delete;
  DataSet& operator=(const DataSet&) = delete;

  const std::string& path() const { return path_; }
  const Plugin& plugin() const { return storage_->plugin(); }
  // The storage's own look at the whole file; nothing to do where open() has had it already.
  Result<void> verify();
  Result<goromdb_generation_info> info() const;

  // The entries of a namespace, or ("") those without one; `ns` unset: those without one, then each
  // namespace's. One walk at a time; the data set outlives it. A namespace that is not there is a
  // failure, and so is a storage that cannot be walked.
  Result<std::unique_ptr<Walk>> walk(std::optional<std::string> ns);
  bool can_walk() const { return ops().cursor_open != nullptr; }

  // The values of the keys of one namespace; good until the next call. What is not there has the
  // status GOROMDB_NOT_FOUND; one that cannot be read is a failure.
  Result<std::span<const goromdb_value>> get(std::string_view ns, std::span<const Entry> keys);

 private:
  friend class Walk;
  explicit DataSet(std::string path) : path_(std::move(path)), metrics_(1) {}
  tl::unexpected<Error> about(const std::string& message) const;
  const goromdb_storage_ops& ops() const { return storage_->ops(); }

  const std::string path_;
  Metrics metrics_;
  std::unique_ptr<Storage> storage_;
  goromdb_generation* generation_ = nullptr;
  goromdb_reader* reader_ = nullptr;
  goromdb_arena arena_;  // of the last get()
  std::vector<goromdb_key> keys_;
  std::vector<goromdb_value> values_;
};

// A way through a data set, some entries at a time. Messages begin with the file's path.
class Walk {
 public:
  // As EntryWalk.
  Result<std::span<const Entry>> next();

 private:
  friend class DataSet;
  explicit Walk(DataSet& data) : data_(data), entries_(data.ops(), data.reader_) {}

  DataSet& data_;
  EntryWalk entries_;
};

// The entries of a data set as rows of input.
class DataSetSource : public Source {
 public:
  static Result<std::unique_ptr<DataSetSource>> open(std::unique_ptr<DataSet> data);
  Result<bool> next(Entry& entry) override;
  uint64_t row() const override { return given_; }
  uint64_t done() const override { return given_; }
  uint64_t total() const override { return total_; }

 private:
  std::unique_ptr<DataSet> data_;
  std::unique_ptr<Walk> walk_;  // goes before data_
  std::span<const Entry> batch_;
  uint64_t given_ = 0, total_ = 0;
};

}  // namespace goromdb::tools
