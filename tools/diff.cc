// SPDX-License-Identifier: MIT
// goromdb diff: what another data file would change. Each file is walked once and looked up in by
// the other's keys, so that formats of different orders compare and memory does not grow.
#include "tools/child.h"
#include "tools/commands.h"
#include "tools/text.h"

namespace goromdb::tools {
namespace {

struct Counts {
  uint64_t added = 0, removed = 0, changed = 0, same = 0;
};

std::string_view text_of(const goromdb_value& value) {
  return {static_cast<const char*>(value.ptr), value.len};
}

// Walks one file and asks the other for each key: each(entry, the other's value).
template <class Each>
Result<void> compare(DataSet& walked, DataSet& asked, Each&& each) {
  auto walk = walked.walk(std::nullopt);
  if (!walk) return tl::unexpected(walk.error());
  for (;;) {
    auto batch = (*walk)->next();
    if (!batch) return tl::unexpected(batch.error());
    if (batch->empty()) return {};
    auto values = asked.get(batch->front().ns, *batch);
    if (!values) return tl::unexpected(values.error());
    for (size_t i = 0; i < batch->size(); ++i) {
      Result<void> done = each((*batch)[i], (*values)[i]);
      if (!done) return done;
    }
  }
}

class Differences {
 public:
  explicit Differences(const DiffOptions& options) : options_(options) {}

  Result<Counts> find(DataSet& a, DataSet& b) {
    auto done = compare(a, b, [&](const Entry& entry, const goromdb_value& other) {
                  if (other.status != GOROMDB_OK)
                    return found('-', "removed", counts_.removed, entry);
                  if (entry.value != text_of(other) || entry.flags != other.flags) {
                    return found('~', "changed", counts_.changed, entry);
                  }
                  ++counts_.same;
                  return Result<void>{};
                }).and_then([&] {
      return compare(b, a, [&](const Entry& entry, const goromdb_value& other) {
        if (other.status == GOROMDB_OK) return Result<void>{};
        return found('+', "added", counts_.added, entry);
      });
    });
    if (!done) return tl::unexpected(done.error());
    auto said = say_counts().and_then([&] { return out_.flush(); });
    if (!said) return tl::unexpected(said.error());
    return counts_;
  }

 private:
  Result<void> found(char sign, const char* word, uint64_t& count, const Entry& entry) {
    ++count;
    if (!options_.keys) return {};
    auto& line = out_.buffer();
    if (options_.json) {
      line += fmt::format("{{\"change\": \"{}\", ", word);
      append_json_member(line, "key", entry.key);
      if (!entry.ns.empty()) {
        line += ", ";
        append_json_member(line, "namespace", entry.ns);
      }
      line += "}\n";
    } else {
      line += sign;
      line += '\t';
      append_tsv_field(line, entry.key);
      if (!entry.ns.empty()) {
        line += '\t';
        append_tsv_field(line, entry.ns);
      }
      line += '\n';
    }
    return out_.written();
  }

  Result<void> say_counts() {
    if (options_.json) {
      return out_.write(fmt::format(
          R"({{"a": {}, "b": {}, "added": {}, "removed": {}, "changed": {}, "same": {}}})"
          "\n",
          json_string(options_.a.file), json_string(options_.b.file), counts_.added,
          counts_.removed, counts_.changed, counts_.same));
    }
    return out_.write(fmt::format("{} added, {} removed, {} changed, {} the same\n", counts_.added,
                                  counts_.removed, counts_.changed, counts_.same));
  }

  const DiffOptions& options_;
  Counts counts_;
  Output out_;
};

}  // namespace

int diff(const DiffOptions& options) {
  return read_in_child(options.a.file + " or " + options.b.file, [&] {
    auto a = DataSet::open(options.a.storage, options.a.file);
    if (!a) return report(a.error());
    auto b = DataSet::open(options.b.storage, options.b.file);
    if (!b) return report(b.error());
    auto counts = Differences(options).find(**a, **b);
    if (!counts) return report(counts.error());
    const bool differ = counts->added + counts->removed + counts->changed > 0;
    return options.exit_code && differ ? 1 : 0;
  });
}

}  // namespace goromdb::tools
