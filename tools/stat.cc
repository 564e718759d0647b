// SPDX-License-Identifier: MIT
// goromdb stat: the shape of a data file.
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <vector>

#include "core/base/file.h"
#include "core/base/log.h"
#include "core/base/units.h"
#include "tools/child.h"
#include "tools/commands.h"
#include "tools/text.h"

namespace goromdb::tools {
namespace {

// How many there are of each size: bucket 0 is the size 0, bucket n the sizes of n bits.
class Histogram {
 public:
  void add(size_t size) { ++counts_[std::bit_width(size)]; }
  struct Bucket {
    uint64_t from, to, count;
  };
  // From the first that is not empty to the last.
  std::vector<Bucket> buckets() const {
    std::vector<Bucket> all;
    for (size_t bits = 0; bits < counts_.size(); ++bits) {
      const uint64_t from = bits == 0 ? 0 : uint64_t{1} << (bits - 1);
      if (counts_[bits] > 0 || !all.empty())
        all.push_back({from, bits == 0 ? 0 : from * 2 - 1, counts_[bits]});
    }
    while (!all.empty() && all.back().count == 0) all.pop_back();
    return all;
  }

 private:
  std::array<uint64_t, 33> counts_{};  // sizes have 32 bits
};

struct Shape {
  uint64_t size = 0, entries = 0, bytes = 0;
  std::vector<std::pair<std::string, uint64_t>> namespaces;  // with their entries; "": none
  Histogram keys, values;
};

Result<Shape> shape_of(DataSet& data) {
  Shape shape;
  auto state = look_at(data.path());
  if (!state) return tl::unexpected(state.error());
  if (*state) shape.size = static_cast<uint64_t>((*state)->identity.size);
  auto walk = data.walk(std::nullopt);
  if (!walk) return tl::unexpected(walk.error());
  for (;;) {
    auto batch = (*walk)->next();
    if (!batch) return tl::unexpected(batch.error());
    if (batch->empty()) return shape;
    const auto& ns = batch->front().ns;
    if (shape.namespaces.empty() || shape.namespaces.back().first != ns) {
      shape.namespaces.emplace_back(ns, 0);
    }
    shape.namespaces.back().second += batch->size();
    shape.entries += batch->size();
    for (const auto& entry : *batch) {
      shape.bytes += entry.key.size() + entry.value.size();
      shape.keys.add(entry.key.size());
      shape.values.add(entry.value.size());
    }
  }
}

size_t columns() {
  constexpr size_t kUsual = 80;
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < kUsual / 2) return kUsual;
  return size.ws_col;
}

void draw(std::string& out, const char* title, const Histogram& histogram) {
  const auto buckets = histogram.buckets();
  uint64_t most = 0;
  for (const auto& bucket : buckets) most = std::max(most, bucket.count);
  const size_t width = columns() - 40;
  out += fmt::format("{}\n", title);
  for (const auto& bucket : buckets) {
    const auto bar = bucket.count == 0 ? 0 : std::max<uint64_t>(bucket.count * width / most, 1);
    out += fmt::format("{:>10} - {:<10} {:>12}  {}\n", bucket.from, bucket.to, bucket.count,
                       std::string(bar, '#'));
  }
}

std::string as_text(const DataSet& data, const Shape& shape) {
  constexpr size_t kMostNamespaces = 20;
  auto out = fmt::format(
      "file        {}\nformat      {}\nsize        {} ({} bytes)\nentries     {}\n"
      "keys+values {} ({} bytes)\n",
      one_line(data.path()), data.plugin().name(), format_size(shape.size), shape.size,
      shape.entries, format_size(shape.bytes), shape.bytes);
  size_t shown = 0;
  for (const auto& [name, entries] : shape.namespaces) {
    if (shown++ == kMostNamespaces) {
      out += fmt::format("            and {} more; --json has all\n",
                         shape.namespaces.size() - kMostNamespaces);
      break;
    }
    out += fmt::format("{:<11} {:>12}  {}\n", shown == 1 ? "namespaces" : "", entries,
                       name.empty() ? "(none)" : printable(name));
  }
  draw(out, "key sizes, bytes", shape.keys);
  draw(out, "value sizes, bytes", shape.values);
  return out;
}

std::string as_json(const Histogram& histogram) {
  std::string out;
  for (const auto& bucket : histogram.buckets()) {
    out += fmt::format(R"({}{{"from": {}, "to": {}, "count": {}}})", out.empty() ? "" : ", ",
                       bucket.from, bucket.to, bucket.count);
  }
  return out;
}

std::string as_json(const DataSet& data, const Shape& shape) {
  std::string namespaces;
  for (const auto& [name, entries] : shape.namespaces) {
    if (!namespaces.empty()) namespaces += ", ";
    namespaces += '{';
    append_json_member(namespaces, "name", name);
    namespaces += fmt::format(", \"entries\": {}}}", entries);
  }
  return fmt::format(
      R"({{"file": {}, "format": {}, "size": {}, "entries": {}, "bytes": {}, "namespaces": [{}], )"
      "\"key_sizes\": [{}], \"value_sizes\": [{}]}}\n",
      json_string(data.path()), json_string(data.plugin().name()), shape.size, shape.entries,
      shape.bytes, namespaces, as_json(shape.keys), as_json(shape.values));
}

}  // namespace

int stat(const ReadOptions& options) {
  return read_in_child(options, [&](DataSet& data) -> Result<void> {
    auto shape = shape_of(data);
    if (!shape) return tl::unexpected(shape.error());
    Output out;
    return out.write(options.json ? as_json(data, *shape) : as_text(data, *shape)).and_then([&] {
      return out.flush();
    });
  });
}

}  // namespace goromdb::tools
