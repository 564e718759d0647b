// SPDX-License-Identifier: MIT
#include "bdb_store.h"

#include <malloc.h>
#include <goromdb/place_index.hpp>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "format.h"
#include "memcachedb_item.h"
#include "plain_check.h"

namespace goromdb::bdb {
namespace {

constexpr uint64_t kSmallCache = uint64_t{1} << 20, kVerifyCache = uint64_t{64} << 20,
                   kLargestDefault = uint64_t{256} << 20;
// What entries can have; that of compressed keys is a guess that no file should reach.
constexpr uint64_t kMostTimesTheFile = 4, kMostTimesCompressed = 1024;

// Room for all of a file that libdb does not map, with what its cache needs beside the pages.
uint64_t default_cache(uint64_t size) {
  return std::clamp(size + size / 4, kSmallCache, kLargestDefault);
}

uint32_t page_number(const DBT& stored) {
  if (stored.size != sizeof(uint32_t)) throw Failure(GOROMDB_E_CORRUPT, "its list is damaged");
  return listed_page(stored.data);
}

}  // namespace

BdbGeneration::BdbGeneration(const Host& host, const Layout& layout, const std::string& path)
    : host_(host), file_(path.c_str()), header_(read_header(file_)), layout_(layout) {
  contents_.path = path;
  contents_.fd = file_.fd();
  contents_.chance.emplace(file_, header_);
  // Of a file with sub-databases only each of them says whether it is mapped.
  const bool needs_cache = !header_.is_mapped() || header_.has_subdbs;
  if (!needs_cache) {
    layout_.cache_bytes = kSmallCache;
  } else if (layout_.cache_bytes == 0) {
    layout_.cache_bytes = default_cache(file_.size());
  }
  if (header_.has_subdbs) {
    list_subdbs();
  } else if (!layout_.subdb.empty()) {
    throw Failure(GOROMDB_E_CONFIG, "it has no sub-databases, and option subdb names " +
                                        layout_.subdb + "; leave it out to serve the file's own");
  } else {
    contents_.trees.push_back(contents_.chance->tree_at(0));
  }
  contents_.is_cached = !header_.is_mapped() ||
                        std::any_of(contents_.trees.begin(), contents_.trees.end(),
                                    [](const Tree& tree) { return tree.kind == Tree::kHash; });
  if (!layout_.copies) return;
  EntryCopy copy(file_.size());
  read_all(&copy);
  copy.finish(host_);
  contents_.copy.emplace(std::move(copy));
}

// The file's own database lists them, by name.
void BdbGeneration::list_subdbs() {
  std::vector<std::string> names;
  std::map<std::string, Tree> trees;
  Environment env(kSmallCache);
  const auto master = DbHandle::open(env, contents_.path, nullptr);
  const auto cursor = master.cursor(env);
  DBT name{}, page{};
  uint64_t bytes = 0;  // of all names
  int code;
  while ((code = cursor->get(cursor.get(), &name, &page, DB_NEXT)) == 0) {
    names.emplace_back(view(name));
    if (names.back().find('\0') != std::string::npos || names.back().empty()) {
      throw Failure(GOROMDB_E_UNSUPPORTED,
                    "a sub-database's name is empty or holds a zero byte, so libdb cannot open it");
    }
    trees[names.back()] = contents_.chance->tree_at(page_number(page));
    host_.progress(names.size(), 0);
    bytes += names.back().size();
    if (bytes > file_.size()) throw Failure(GOROMDB_E_CORRUPT, "its list runs in a circle");
  }
  if (code != DB_NOTFOUND) env.check(code, "its sub-databases cannot be listed");
  std::sort(names.begin(), names.end());
  contents_.has_plain = !layout_.subdb.empty();
  if (contents_.has_plain) {
    const auto own = std::find(names.begin(), names.end(), layout_.subdb);
    if (own == names.end()) {
      throw Failure(GOROMDB_E_CONFIG, "it has no sub-database " + layout_.subdb +
                                          " (option subdb); it has " +
                                          (names.empty() ? "none" : names.front()) +
                                          (names.size() > 1 ? " and others" : ""));
    }
    contents_.names.front() = layout_.subdb;
    names.erase(own);
  }
  contents_.trees.push_back(contents_.has_plain ? trees[layout_.subdb] : Tree{Tree::kBtree});
  if (layout_.prefixes) {
    if (!contents_.has_plain) {
      throw Failure(GOROMDB_E_CONFIG,
                    "it has sub-databases; with namespaces: prefix, option subdb says which one is "
                    "served");
    }
    return;
  }
  contents_.names.insert(contents_.names.end(), names.begin(), names.end());
  for (const auto& each : names) contents_.trees.push_back(trees[each]);
}

void BdbGeneration::info(goromdb_generation_info& info) const {
  const bool is_sorted = std::all_of(contents_.trees.begin(), contents_.trees.end(),
                                     [](const Tree& tree) { return tree.is_sorted(); });
  info.caps = is_sorted ? GOROMDB_CAP_WALKS_SORTED : 0;
  // With a copy keys are answered whatever becomes of the file.
  if (contents_.is_cached && !contents_.copy) info.caps |= GOROMDB_CAP_READS_FILE;
  if (layout_.prefixes) info.caps |= GOROMDB_CAP_ANY_NAMESPACE;
  EntryTotals::tell(totals_, info);
  // Without a copy it is the page cache's, and libdb's.
  info.resident_bytes = contents_.copy ? contents_.copy->memory_bytes() : GOROMDB_UNKNOWN;
  info.namespaces =
      layout_.prefixes ? UINT32_MAX : static_cast<uint32_t>(contents_.names.size() - 1);
}

std::optional<std::vector<EntryTotals>> BdbGeneration::check_plain() const {
  const auto id_of = [&](std::string_view name) -> std::optional<uint32_t> {
    if (contents_.has_plain && name == contents_.names.front()) return 0;
    const uint32_t id = contents_.id_of(name);
    return id > 0 ? std::optional(id) : std::nullopt;
  };
  const Mapping map(file_);
  const ReadAhead ahead(map, host_.threads());
  const std::string_view bytes(reinterpret_cast<const char*>(map.data()), map.size());
  return PlainCheck(bytes, header_, id_of, layout_.memcachedb, host_).run(contents_.names.size());
}

void BdbGeneration::verify() {
  about_file(contents_.path, [&] {
    if (const auto found = check_plain()) {
      totals_.emplace();
      contents_.entries.clear();
      for (const auto& each : *found) {
        totals_->add(each);
        contents_.entries.push_back(each.entries);
      }
      open_all();
      return;
    }
    {
      Environment env(kVerifyCache);
      verify_structure(env, contents_.path, [&](int percent) {
        host_.progress(file_.size() / 200 * static_cast<uint64_t>(percent), file_.size());
      });
    }
    if (!totals_) read_all(nullptr);
  });
  ::malloc_trim(0);  // libdb's caches were made of small pieces
}

// As a loop will: a sub-database is opened when it is first asked for.
void BdbGeneration::open_all() const {
  Layout small = layout_;
  small.cache_bytes = kSmallCache;
  BdbReader reader(host_, small, contents_);
  uint32_t id = 0;
  for (size_t i = 1; i < contents_.names.size(); ++i) {
    reader.ns_lookup(contents_.names[i], id);
    reader.close(id);
    host_.progress(i, contents_.names.size());
  }
}

void BdbGeneration::read_all(EntryCopy* copy) {
  EntryTotals totals;
  std::vector<uint64_t> entries(contents_.names.size());
  BdbReader reader(host_, layout_, contents_);
  for (uint32_t ns = contents_.has_plain ? 0 : 1; ns < contents_.names.size(); ++ns) {
    const uint64_t before = totals.entries;
    read(reader, ns, totals, copy);
    if (ns > 0) {
      reader.close(ns);
      host_.progress(ns, contents_.names.size());
    }
    entries[ns] = totals.entries - before;
  }
  totals_ = totals;
  contents_.entries = std::move(entries);
}

void BdbGeneration::read(BdbReader& reader, uint32_t ns, EntryTotals& totals,
                         EntryCopy* copy) const {
  uint32_t id = 0;
  if (ns > 0) reader.ns_lookup(contents_.names[ns], id);
  const auto& tree = contents_.trees[ns];
  const bool is_sorted = tree.is_sorted();
  const uint64_t most = file_.size();
  const uint64_t times = tree.kind == tree.kCompressed ? kMostTimesCompressed : kMostTimesTheFile;
  std::optional<std::string> last;
  const auto cursor = reader.cursor(id, After());
  while (const auto entry = cursor->step()) {
    totals.add(entry->key.size(), entry->value.size());
    // Pages that lead in a circle must not fill the memory: a copy is made before verify has looked
    // at them. In a btree the order shows it, too. All bytes are in the file, but for what keys
    // begin with where they are compressed, and the numbers in a recno, which have up to ten.
    if (is_sorted) {
      if (last && *last >= entry->key) {
        throw Failure(GOROMDB_E_CORRUPT, "its keys are not in the order of their bytes");
      }
      last = entry->key;
    }
    if (totals.entries > most || totals.bytes > most * times) {
      throw Failure(GOROMDB_E_CORRUPT, "its entries run in a circle");
    }
    if (copy != nullptr) copy->add({ns, entry->key}, entry->value, entry->flags);
    constexpr uint64_t kOften = 4096;
    if (totals.entries % kOften == 0) {
      host_.progress(std::min(file_.size(), file_.size() / 2 + totals.bytes / 2), file_.size());
    }
  }
}

std::unique_ptr<BdbReader> BdbGeneration::reader(uint32_t) {
  return about_file(contents_.path,
                    [&] { return std::make_unique<BdbReader>(host_, layout_, contents_); });
}

BdbStore::BdbStore(Host host, const Options& options) : host_(host) {
  layout_.subdb = options.str("subdb");
  layout_.prefixes = options.str("namespaces") == "prefix";
  layout_.memcachedb = options.str("encoding") == "memcachedb";
  layout_.copies = wants_index(host, options);
  if (options.is_set("cache")) layout_.cache_bytes = static_cast<uint64_t>(options.num("cache"));
  if (layout_.subdb.find('\0') != std::string::npos) {
    throw Failure(GOROMDB_E_CONFIG, "the name of a sub-database holds no zero byte");
  }
}

std::unique_ptr<BdbGeneration> BdbStore::open(const char* path, uint64_t) const {
  return about_file(path, [&] { return std::make_unique<BdbGeneration>(host_, layout_, path); });
}

std::unique_ptr<BdbBuilder> BdbStore::build(const char* path, uint64_t) const {
  return about_file(path, [&] { return std::make_unique<BdbBuilder>(layout_, path); });
}

}  // namespace goromdb::bdb
