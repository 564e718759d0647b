// SPDX-License-Identifier: MIT
// The plugin storage-json: options, opening of a file, and the C table.
#include "dataset.h"
#include "input.h"
#include "json_parser.h"
#include "line_writer.h"
#include "ndjson_parser.h"
#include "threaded_source.h"
#include "window.h"

#include <goromdb/data_file.hpp>

#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

namespace goromdb {
namespace {

constexpr std::string_view kBom = "\xEF\xBB\xBF";

// A name from a file, fit for a log line.
std::string printable(std::string_view name) {
  constexpr size_t kMost = 64;
  std::string out(name.substr(0, kMost));
  for (char& c : out) {
    if (c < ' ' || c > '~') c = '?';
  }
  return name.size() > kMost ? out + "..." : out;
}

// "; this is an LMDB file", where it is one; nothing where it is what this storage reads.
std::string other_kind(const char* path) {
  const std::string head = DataFile(path).head();
  const auto name = format_of(head);
  for (const char* own : {"a JSON file", "a gzip file", "a zstd file"}) {
    if (name == own) return {};
  }
  return kind_hint(head);
}

class JsonCursor {
 public:
  JsonCursor(const Dataset& data, uint32_t ns, uint64_t at) : data_(data), ns_(ns), at_(at) {}

  goromdb_status next(std::span<goromdb_key> keys, goromdb_value* values, uint32_t& got,
                      goromdb_arena*) {
    RecordArena::Record entry;
    while (got < keys.size()) {
      if (!data_.next(ns_, at_, entry)) return GOROMDB_END;
      keys[got] = {entry.key.data(), static_cast<uint32_t>(entry.key.size()), ns_};
      values[got] = {entry.value.data(), static_cast<uint32_t>(entry.value.size()),
                     entry.flags,        0,
                     GOROMDB_OK,         0};
      ++got;
    }
    return GOROMDB_OK;
  }

 private:
  const Dataset& data_;
  const uint32_t ns_;
  uint64_t at_;
};

class JsonReader {
 public:
  explicit JsonReader(const Dataset& data) : data_(data) {}
  void get(uint32_t, std::span<const goromdb_key> keys, goromdb_value* out,
           goromdb_arena*) noexcept {
    data_.get(keys, out);
  }
  goromdb_status ns_lookup(std::string_view name, uint32_t& id) const {
    id = data_.namespace_id(name);
    return id != 0 ? GOROMDB_OK : GOROMDB_NOT_FOUND;
  }
  goromdb_status ns_list(After after, std::span<goromdb_slice> names, uint32_t& got,
                         goromdb_arena*) const {
    uint32_t id = after ? data_.namespace_id(*after) : 0;
    while (got < names.size() && id < data_.namespaces()) {
      names[got++] = slice(data_.namespace_name(++id));
    }
    return id < data_.namespaces() ? GOROMDB_OK : GOROMDB_END;
  }
  std::unique_ptr<JsonCursor> cursor(uint32_t ns, After after) const {
    const uint64_t at = after ? data_.behind(ns, *after) : RecordArena::kFirst;
    if (at == 0) throw Failure(GOROMDB_E_UNSUPPORTED, "the key to go on behind is not there");
    return std::make_unique<JsonCursor>(data_, ns, at);
  }
  std::unique_ptr<JsonCursor> random_cursor(uint32_t ns, uint64_t random) const {
    return std::make_unique<JsonCursor>(data_, ns, data_.any(ns, random));
  }
  std::optional<uint64_t> ns_count(uint32_t ns) const { return data_.count(ns); }

 private:
  const Dataset& data_;
};

class JsonGeneration {
 public:
  explicit JsonGeneration(Dataset data) : data_(std::move(data)) {}

  void info(goromdb_generation_info& info) const {
    info.caps = GOROMDB_CAP_VALUES_LIVE_WITH_GENERATION;
    info.entries = data_.entries();
    info.bytes = data_.bytes();
    info.resident_bytes = data_.resident_bytes();
    info.namespaces = data_.namespaces();
  }
  std::vector<goromdb_slice> memory() const { return data_.memory(); }
  std::unique_ptr<JsonReader> reader(uint32_t) { return std::make_unique<JsonReader>(data_); }

 private:
  const Dataset data_;
};

class JsonStore {
 public:
  static constexpr const char* kName = "json";
  static constexpr const char* kVersion = "0.1.0";
  static constexpr const char* kLicense = "MIT";
  static constexpr const char* kDoc =
      "JSON objects and NDJSON, plain, gzip or zstd, held in memory behind a hash index";
  static constexpr uint32_t kTraits = GOROMDB_TRAIT_BOUNDS_CHECKED | GOROMDB_TRAIT_BUILDS_SORTED;
  static constexpr goromdb_option kOptions[] = {
      {sizeof(goromdb_option), GOROMDB_OPT_ENUM, "nested", "namespace",
       "what an object right below the root is: a namespace, or a value served as its text",
       "namespace|text", 0, 0},
      {sizeof(goromdb_option), GOROMDB_OPT_ENUM, "format", "auto",
       "one JSON object, or an entry a line; auto looks at the first lines", "auto|json|ndjson", 0,
       0},
      {sizeof(goromdb_option), GOROMDB_OPT_BOOL, "gzipped", "false",
       "accepted for the Go program's sake; compression is recognised by itself", nullptr, 0, 0},
      {sizeof(goromdb_option), GOROMDB_OPT_SIZE, "max_decompressed", "64GiB",
       "refuse a compressed file that becomes larger than this", nullptr, 1, INT64_MAX},
      {sizeof(goromdb_option), GOROMDB_OPT_INT, "max_ratio", "1000",
       "refuse a compressed file that grows by more than this factor (and beyond 64 MiB)", nullptr,
       1, INT64_MAX},
  };

  JsonStore(Host host, const Options& options)
      : host_(host),
        namespaces_(options.str("nested") == "namespace"),
        format_(options.str("format")),
        limits_{static_cast<uint64_t>(options.num("max_decompressed")),
                static_cast<uint64_t>(options.num("max_ratio"))} {}

  static bool recognise(std::string_view head, uint64_t) {
    const auto format = format_of(head);
    return format == "a JSON file" || format == "a gzip file" || format == "a zstd file";
  }
  std::unique_ptr<LineWriter> build(const char* path, uint64_t) {
    return std::make_unique<LineWriter>(path);
  }

  std::unique_ptr<JsonGeneration> open(const char* path, uint64_t) {
    return about_file(path, [&] {
      try {
        File file(path);
        Dataset data = load(file);
        warn_of_duplicates(path, data.duplicates());
        return std::make_unique<JsonGeneration>(std::move(data));
      } catch (const Failure& e) {
        if (e.code() != GOROMDB_E_CORRUPT) throw;
        throw Failure(e.code(), e.what() + other_kind(path));
      }
    });
  }

 private:
  // The text is gone before the index is made.
  Dataset load(File& file) const { return read(file).finish(host_); }

  DatasetBuilder read(File& file) const {
    const std::unique_ptr<Source> source = open_source(file, limits_);
    // Where there is nothing to decompress beside the parser, several parse.
    std::optional<ThreadedSource> ahead;
    uint32_t parsers = host_.threads();
    if (parsers > 1 && is_compressed(file)) {
      parsers = 1;
      try {
        ahead.emplace(*source);
      } catch (const std::system_error&) {  // no thread is to be had: one does all
      }
    }
    Window window(ahead ? static_cast<Source&>(*ahead) : *source, file, host_,
                  parsers > 1 ? parsers * NdjsonParser::kShare : Window::kSmallest);
    try {
      window.more(Window::kSmallest, JsonParser::kTooLong);
      const auto size = static_cast<size_t>(window.end() - window.pos());
      if (std::string_view(window.pos(), size).starts_with(kBom)) {
        window.advance(window.pos() + kBom.size());
      }
      const bool lines = format_ == "ndjson" || (format_ == "auto" && looks_like_ndjson(window));
      // What a plain file holds needs hardly more memory than the file, unless its rows are tiny. A
      // move would break up the huge pages, and costs time.
      DatasetBuilder builder(lines ? Names::kApart : Names::kAmongKeys,
                             is_compressed(file) ? 0 : file.size() + file.size() / 4);
      if (lines) {
        NdjsonParser(window, builder, parsers).run();
      } else {
        JsonParser(window, builder, namespaces_).run();
      }
      return builder;
    } catch (const SyntaxError& e) {
      std::string place;
      if (e.at != nullptr) {
        place = ", at byte " + std::to_string(window.offset(e.at)) +
                (is_compressed(file) ? " of the decompressed text" : "");
      }
      throw Failure(e.code, e.what + place);
    }
  }

  void warn_of_duplicates(const char* path, const Duplicates& duplicates) const {
    if (duplicates.count == 0) return;
    host_.log(GOROMDB_LOG_WARN, end_of(path) + ": " + std::to_string(duplicates.count) +
                                    (duplicates.count == 1 ? " duplicate key" : " duplicate keys") +
                                    "; the last one of each is served; the first is \"" +
                                    printable(duplicates.first) + "\"");
  }

  const Host host_;
  const bool namespaces_;
  const std::string format_;
  const Limits limits_;
};

}  // namespace
}  // namespace goromdb

GOROMDB_STORAGE_PLUGIN(goromdb::JsonStore)
