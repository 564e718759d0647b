// SPDX-License-Identifier: MIT
// goromdb build: input -> sorted -> the storage's builder -> a file that appears whole, with its
// sum.
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <functional>
#include <utility>

#include "core/base/file.h"
#include "core/base/log.h"
#include "core/base/units.h"
#include "tools/child.h"
#include "tools/commands.h"
#include "tools/input.h"
#include "tools/output_file.h"
#include "tools/progress_bar.h"
#include "tools/sorter.h"
#include "tools/text.h"

namespace goromdb::tools {
namespace {

// Of the entries that are sorted at once; with the builders' own memory it stays below 200 MB.
constexpr size_t kSortMemory = size_t{128} << 20;

// The storage's builder, and the file that it makes.
class Builder {
 public:
  static Result<std::unique_ptr<Builder>> open(const ChosenStorage& chosen,
                                               const std::string& path) {
    std::unique_ptr<Builder> builder(new Builder(path));
    auto storage = Storage::create(chosen.plugin, path, chosen.options, builder->metrics_, 1);
    if (!storage) return misuse(storage.error().message);
    builder->storage_ = std::move(*storage);
    PluginError error;
    const auto& ops = builder->ops();
    const auto status = ops.build_open(builder->storage_->store(), path.c_str(), GOROMDB_UNKNOWN,
                                       &builder->handle_, error.get());
    if (status != GOROMDB_OK) {
      builder->handle_ = nullptr;
      return builder->about(error, status);
    }
    return builder;
  }
  ~Builder() {
    if (handle_ != nullptr) ops().build_close(handle_);
  }
  Builder(const Builder&) = delete;
  Builder& operator=(const Builder&) = delete;

  // Rejected: the storage cannot keep the entry.
  Result<void> put(const Entry& entry, uint32_t flags) {
    const auto status = ops().build_put(handle_, slice(entry.ns), slice(entry.key),
                                        slice(entry.value), flags, error_.get());
    if (status == GOROMDB_OK) return {};
    return is_of_machine(status) ? about(error_, status) : reject(error_.message(status));
  }
  Result<void> finish() {
    PluginError error;
    const auto status = ops().build_finish(handle_, error.get());
    if (status != GOROMDB_OK) return about(error, status);
    ops().build_close(std::exchange(handle_, nullptr));
    return {};
  }

 private:
  explicit Builder(std::string path) : path_(std::move(path)), metrics_(1) {}
  const goromdb_storage_ops& ops() const { return storage_->ops(); }
  static goromdb_slice slice(std::string_view s) { return {s.data(), s.size()}; }
  static bool is_of_machine(goromdb_status status) {
    return status == GOROMDB_E_IO || status == GOROMDB_E_NO_MEMORY;
  }
  tl::unexpected<Error> about(const PluginError& error, goromdb_status status) const {
    const auto message = error.message(status);
    return fail(message.find(path_) != message.npos ? message
                                                    : fmt::format("{}: {}", path_, message));
  }

  const std::string path_;
  Metrics metrics_;
  std::unique_ptr<Storage> storage_;
  goromdb_builder* handle_ = nullptr;
  PluginError error_;  // of put(): too large to be made anew for each entry
};

// Takes entries in order and hands each key to the builder once.
class Distinct {
 public:
  Distinct(const BuildOptions& options, const std::string& input, Builder& builder)
      : options_(options), input_(input), builder_(builder) {}

  Result<void> add(const Entry& entry, uint64_t row) {
    const int order = row_ == 0 ? 1 : compare(entry);
    if (order == 0) return repeat(entry, row);
    if (order < 0) {
      return refuse(row, fmt::format("the key \"{}\" comes before the one in front of it; leave "
                                     "out --sorted to have the input sorted",
                                     printable(entry.key)));
    }
    if (auto put = flush(); !put) return put;
    ns_ = entry.ns;
    key_ = entry.key;
    row_ = row;
    ++entries_;
    if (options_.duplicates != Duplicates::kLast) return put(entry);
    keep(entry);
    return {};
  }
  Result<void> finish() {
    return flush().and_then([&] { return builder_.finish(); });
  }

  uint64_t entries() const { return entries_; }
  uint64_t repeats() const { return repeats_; }
  // The last failure is an entry's own: its place, its key, or that the storage cannot keep it.
  bool refused() const { return refused_; }

 private:
  int compare(const Entry& entry) const {
    const int by_namespace = entry.ns.compare(ns_);
    return by_namespace != 0 ? by_namespace : entry.key.compare(key_);
  }
  void keep(const Entry& entry) {
    value_ = entry.value;
    flags_ = entry.flags;
    kept_ = true;
  }
  Result<void> repeat(const Entry& entry, uint64_t row) {
    ++repeats_;
    if (options_.duplicates == Duplicates::kError) {
      return refuse(row, fmt::format("the key \"{}\" has come already, in row {}; --duplicates "
                                     "first or last takes one of them",
                                     printable(entry.key), row_));
    }
    if (options_.duplicates == Duplicates::kLast) {
      keep(entry);
      row_ = row;
    }
    return {};
  }
  Result<void> flush() {
    if (!std::exchange(kept_, false)) return {};
    return put({ns_, key_, value_, flags_});
  }
  Result<void> put(const Entry& entry) {
    const bool has_flags = entry.flags != 0;
    auto put = builder_.put(entry, options_.drop_flags ? 0 : entry.flags);
    if (put || put.error().kind != Error::Kind::kRejected) return put;
    const auto& why = put.error().message;
    const bool of_flags = has_flags && why.find("flags") != why.npos;
    return refuse(row_, why + (of_flags ? " (--drop-flags leaves flags out)" : ""));
  }
  tl::unexpected<Error> refuse(uint64_t row, const std::string& why) {
    refused_ = true;
    return fail(fmt::format("{}:{}: {}", input_, row, why));
  }

  const BuildOptions& options_;
  const std::string& input_;
  Builder& builder_;
  std::string ns_, key_;  // of the last entry
  uint64_t row_ = 0;      // 0: there is none
  std::string value_;     // not yet handed on: a later one may take its place
  uint32_t flags_ = 0;
  bool kept_ = false;
  uint64_t entries_ = 0, repeats_ = 0;
  bool refused_ = false;
};

Result<void> for_each_row(const BuildOptions& options, const char* what, Source& source,
                          const std::function<Result<void>(const Entry&, uint64_t)>& each) {
  ProgressBar bar(what, options.quiet);
  Entry entry;
  for (uint64_t n = 1;; ++n) {
    auto more = source.next(entry);
    if (!more) return tl::unexpected(more.error());
    if (!*more) return {};
    if (auto done = each(entry, source.row()); !done) return done;
    bar.update(source.done(), source.total(), n);
  }
}

enum class Order { kAsTheyCome, kSorted };

Result<void> feed(const BuildOptions& options, Input& input, Order order, Distinct& distinct) {
  const auto add = [&](const Entry& entry, uint64_t row) { return distinct.add(entry, row); };
  if (order == Order::kAsTheyCome) return for_each_row(options, "building", *input.source, add);
  Sorter sorter(parent_folder(options.output), kSortMemory);
  auto read = for_each_row(
      options, "reading", *input.source, [&](const Entry& entry, uint64_t row) -> Result<void> {
        auto added = sorter.add(entry, row);
        if (added || added.error().kind != Error::Kind::kRejected) return added;
        return reject(fmt::format("{}:{}: {}", input.name, row, added.error().message));
      });
  if (!read) return read;
  ProgressBar bar("writing", options.quiet);
  uint64_t written = 0;
  return sorter.drain([&](const Entry& entry, uint64_t row) {
    ++written;
    bar.update(written, sorter.size(), written);
    return add(entry, row);
  });
}

struct Made {
  uint64_t entries = 0, repeats = 0;
};

// All of the input as a file at `path`. `refused`: whether a failure is that of an entry.
Result<Made> make(const BuildOptions& options, const ChosenStorage& chosen, const std::string& path,
                  Input& input, Order order, bool& refused) {
  auto builder = Builder::open(chosen, path);
  if (!builder) return tl::unexpected(builder.error());
  Distinct distinct(options, input.name, **builder);
  auto made = feed(options, input, order, distinct).and_then([&] { return distinct.finish(); });
  refused = distinct.refused();
  return made.map([&] { return Made{distinct.entries(), distinct.repeats()}; });
}

// A file of rows is mostly in order already, so that is tried first. Once an entry is refused, all
// are sorted: it may be taken then, or another one is what the failure has to tell of.
Result<Made> make_in_order(const BuildOptions& options, const ChosenStorage& chosen,
                           const std::string& path, Input& input) {
  bool refused = false;
  if (options.sorted) return make(options, chosen, path, input, Order::kAsTheyCome, refused);
  if (input.is_file_of_rows) {
    auto made = make(options, chosen, path, input, Order::kAsTheyCome, refused);
    if (made || !refused) return made;
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return fail_errno("remove " + path);
    auto again = open_input(options);
    if (!again) return tl::unexpected(again.error());
    input.source = std::move(again->source);
  }
  return make(options, chosen, path, input, Order::kSorted, refused);
}

Result<void> say_done(const BuildOptions& options, const std::string& format, const Made& made,
                      double seconds) {
  auto state = look_at(options.output);
  if (!state) return tl::unexpected(state.error());
  const auto size = *state ? static_cast<uint64_t>((*state)->identity.size) : 0;
  Output out;
  out.buffer() =
      options.json
          ? fmt::format(R"({{"file": {}, "format": {}, "from": {}, "entries": {}, )"
                        R"("duplicates": {}, "size": {}, "seconds": {:.3f}}})"
                        "\n",
                        json_string(options.output), json_string(options.storage.name),
                        json_string(format), made.entries, made.repeats, size, seconds)
          : fmt::format("{}: {}, {} {}{}, {}, {:.2f} s\n", one_line(options.output),
                        options.storage.name, made.entries, made.entries == 1 ? "entry" : "entries",
                        made.repeats == 0
                            ? std::string()
                            : fmt::format(", {} left out that came again", made.repeats),
                        format_size(size), seconds);
  return out.flush();
}

Result<void> build_file(const BuildOptions& options, const ChosenStorage& chosen,
                        OutputFile& output) {
  const auto begin = std::chrono::steady_clock::now();
  auto input = open_input(options);
  if (!input) return tl::unexpected(input.error());
  auto made = make_in_order(options, chosen, output.temporary(), *input);
  if (!made) return tl::unexpected(made.error());
  std::vector<SumKind> sums;
  if (options.md5) sums.push_back(SumKind::kMd5);
  if (options.sha256) sums.push_back(SumKind::kSha256);
  auto committed = output.commit(sums);
  if (!committed) return committed;
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  return say_done(options, input->format, *made, took.count());
}

}  // namespace

int build(const BuildOptions& options) {
  auto status = in_child([&] {
    if (options.storage.name.empty()) {
      return report(misuse("--storage: name the storage of the output").value());
    }
    auto chosen = choose_storage(options.storage, options.output);
    if (!chosen) return report(chosen.error());
    if (chosen->plugin->storage().build_open == nullptr) {
      return report(misuse(fmt::format("--storage {}: it reads files and cannot make any",
                                       options.storage.name))
                        .value());
    }
    auto output = OutputFile::start(options.output, options.force);
    if (!output) return report(output.error());
    auto built = build_file(options, *chosen, *output);
    if (built) return 0;
    return report(renamed(built.error(), output->temporary(), options.output));
  });
  if (status) return *status;
  OutputFile::remove_leftovers(options.output);
  return report({fmt::format("{}: the process that made it died {}; what it had made is removed",
                             options.output, status.error().message)});
}

}  // namespace goromdb::tools
