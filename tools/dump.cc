// SPDX-License-Identifier: MIT
// goromdb dump: a data file's entries as text that `goromdb build` reads back the same.
#include "tools/child.h"
#include "tools/commands.h"
#include "tools/text.h"

namespace goromdb::tools {
namespace {

class Writer {
 public:
  virtual ~Writer() = default;
  virtual Result<void> add(std::string& out, const Entry& entry) = 0;
  virtual void begin(std::string&) {}
  virtual void end(std::string&) {}
};

class NdjsonWriter : public Writer {
 public:
  explicit NdjsonWriter(bool keys_only) : keys_only_(keys_only) {}
  Result<void> add(std::string& out, const Entry& entry) override {
    out += '{';
    append_json_member(out, "key", entry.key);
    if (!keys_only_) {
      out += ", ";
      append_json_member(out, "value", entry.value);
    }
    if (!entry.ns.empty()) {
      out += ", ";
      append_json_member(out, "namespace", entry.ns);
    }
    if (entry.flags != 0 && !keys_only_) out += fmt::format(", \"flags\": {}", entry.flags);
    out += "}\n";
    return {};
  }

 private:
  const bool keys_only_;
};

class TsvWriter : public Writer {
 public:
  explicit TsvWriter(bool keys_only) : keys_only_(keys_only) {}
  void begin(std::string& out) override {
    out += keys_only_ ? "key\tnamespace\n" : "key\tvalue\tnamespace\tflags\n";
  }
  Result<void> add(std::string& out, const Entry& entry) override {
    append_tsv_field(out, entry.key);
    if (!keys_only_) {
      out += '\t';
      append_tsv_field(out, entry.value);
    }
    out += '\t';
    append_tsv_field(out, entry.ns);
    if (!keys_only_) out += fmt::format("\t{}", entry.flags);
    out += '\n';
    return {};
  }

 private:
  const bool keys_only_;
};

// One object: keys without a namespace, then an object for each namespace. With keys only, null
// stands for the values.
class JsonWriter : public Writer {
 public:
  JsonWriter(DataSet& data, bool keys_only, bool flat)
      : data_(data), keys_only_(keys_only), flat_(flat) {}
  void begin(std::string& out) override { out += '{'; }
  Result<void> add(std::string& out, const Entry& entry) override {
    if (!is_utf8(entry.ns) || !is_utf8(entry.key) || (!keys_only_ && !is_utf8(entry.value))) {
      return unfit(entry, "holds bytes that are not UTF-8");
    }
    if (entry.flags != 0 && !keys_only_) return unfit(entry, "has flags");
    if (!flat_ && entry.ns != ns_) {
      auto entered = enter(out, entry);
      if (!entered) return entered;
    }
    out += first_ ? "\n" : ",\n";
    first_ = false;
    if (!ns_.empty()) out += "  ";
    append_json_string(out, entry.key);
    out += ": ";
    if (keys_only_) {
      out += "null";
    } else {
      append_json_string(out, entry.value);
    }
    return {};
  }
  void end(std::string& out) override { out += ns_.empty() ? "\n}\n" : "\n}\n}\n"; }

 private:
  // Also a key without a namespace may have the namespace's name: then one of them would be lost.
  Result<void> enter(std::string& out, const Entry& entry) {
    const Entry name{{}, entry.ns, {}, 0};
    auto same = data_.get("", {&name, 1});
    if (!same) return tl::unexpected(same.error());
    if (same->front().status == GOROMDB_OK) return unfit(name, "is also a namespace");
    if (!ns_.empty()) out += "\n}";
    out += first_ ? "\n" : ",\n";
    append_json_string(out, entry.ns);
    out += ": {";
    ns_ = entry.ns;
    first_ = true;
    return {};
  }
  tl::unexpected<Error> unfit(const Entry& entry, const char* why) const {
    return fail(
        fmt::format("{}: the key {} {}, which one JSON object cannot hold; use --format ndjson",
                    data_.path(), printable(entry.key), why));
  }

  DataSet& data_;
  const bool keys_only_, flat_;
  std::string ns_;
  bool first_ = true;
};

std::unique_ptr<Writer> writer_of(const DumpOptions& options, DataSet& data) {
  switch (options.format) {
    case DumpFormat::kTsv:
      return std::make_unique<TsvWriter>(options.keys_only);
    case DumpFormat::kJson:
      return std::make_unique<JsonWriter>(data, options.keys_only, options.ns.has_value());
    default:
      return std::make_unique<NdjsonWriter>(options.keys_only);
  }
}

Result<void> dump_all(const DumpOptions& options, DataSet& data) {
  auto walk = data.walk(options.ns);
  if (!walk) return tl::unexpected(walk.error());
  const auto writer = writer_of(options, data);
  Output out;
  writer->begin(out.buffer());
  for (;;) {
    auto batch = (*walk)->next();
    if (!batch) return tl::unexpected(batch.error());
    if (batch->empty()) break;
    for (const auto& entry : *batch) {
      auto added = writer->add(out.buffer(), entry).and_then([&] { return out.written(); });
      if (!added) return added;
    }
  }
  writer->end(out.buffer());
  return out.flush();
}

}  // namespace

int dump(const DumpOptions& options) {
  return read_in_child(options, [&](DataSet& data) { return dump_all(options, data); });
}

}  // namespace goromdb::tools
