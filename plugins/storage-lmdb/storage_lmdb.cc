// SPDX-License-Identifier: MIT
// The plugin storage-lmdb: options, opening of a file, and the C table.
#include "builder.h"
#include "environment.h"
#include "header.h"
#include "key_chance.h"
#include "reader.h"
#include "tree_walk.h"

#include <goromdb/data_file.hpp>
#include <goromdb/sdk.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>

namespace goromdb::lmdb {
namespace {

// A name from a file, fit for a log line.
std::string printable(std::string_view name) {
  constexpr size_t kMost = 64;
  std::string out(name.substr(0, kMost));
  for (char& c : out) {
    if (c < ' ' || c > '~') c = '?';
  }
  return name.size() > kMost ? out + "..." : out;
}

// The file itself, or the one in the folder that LMDB makes without MDB_NOSUBDIR.
std::string file_of(const std::string& path) {
  struct stat st;
  const bool is_folder = ::stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode);
  return is_folder ? path + "/data.mdb" : path;
}

// Which of the named databases holds the keys without a namespace, and which are namespaces.
Catalog catalog_of(const Header& header, std::vector<Named> named, const std::string& database) {
  Catalog catalog{{""}, {header.main}, {}};
  std::sort(named.begin(), named.end(),
            [](const Named& a, const Named& b) { return a.name < b.name; });
  bool is_there = database.empty();
  std::string known;
  for (const auto& [name, db] : named) {
    if (name.find('\0') != name.npos) {
      throw Failure(GOROMDB_E_UNSUPPORTED, "the name of the named database " + printable(name) +
                                               " holds a zero byte, so liblmdb cannot open it");
    }
    if (known.size() < 128) known += (known.empty() ? "" : ", ") + printable(name);
    if (name == database) {
      is_there = true;
      catalog.names.front() = name;
      catalog.records.front() = db;
    } else if (!db.is_empty()) {
      catalog.names.push_back(name);
      catalog.records.push_back(db);
    }
  }
  if (!is_there) {
    throw Failure(GOROMDB_E_CONFIG, "it has no named database " + printable(database) +
                                        " (option database); it has " +
                                        (known.empty() ? "none" : known));
  }
  return catalog;
}

class LmdbGeneration {
 public:
  // With an index the file is walked here.
  LmdbGeneration(Host host, const std::string& path, const std::string& database, bool with_index)
      : host_(host), path_(path), database_(database), file_(path.c_str()) {
    Mapping map(file_);
    header_ = read_header(map);
    chance_.emplace(file_, header_);
    std::vector<Named> named;
    const auto pages = map.size() / header_.page_size;
    if (with_index) {
      index_.emplace(std::move(map), header_.page_size);
      walk(index_->map, named);
      index_->places.finish(host_);
    } else if (header_.last_page >= pages) {
      // The file ends before its last page. When that was free all is well; when the file was cut,
      // liblmdb would read behind its end.
      walk(map, named);
    } else {
      find_named(map, named);
    }
    databases_ = named.size();
    in_use_ = in_use(named);
    catalog_ = catalog_of(header_, std::move(named), database_);
    if (all_found_) catalog_.in_main = databases_;
  }

  void info(goromdb_generation_info& info) const {
    info.caps = GOROMDB_CAP_VALUES_LIVE_WITH_GENERATION |
                (catalog_.is_sorted() ? GOROMDB_CAP_WALKS_SORTED : 0);
    info.namespaces = catalog_.size() - 1;
    // The map is the page cache's.
    info.resident_bytes = index_ ? index_->places.memory_bytes() : GOROMDB_UNKNOWN;
    EntryTotals::tell(totals_, info);
    if (!totals_) info.entries = counted();
  }

  void verify() {
    if (totals_) return;
    about_file(path_, [&] {
      std::vector<Named> named;
      walk(Mapping(file_), named);
      if (in_use(named) != in_use_) {
        throw Failure(GOROMDB_E_CORRUPT, "its counts of pages hide a named database");
      }
      catalog_.in_main = databases_;
    });
  }

  goromdb_status warm(uint64_t offset, uint64_t budget, uint64_t& next) const {
    return file_.warm(offset, budget, next);
  }
  std::vector<goromdb_slice> memory() const {
    auto parts = mappings_of(file_);  // liblmdb's is one of them
    if (index_) index_->places.add_memory(parts);
    return parts;
  }

  // liblmdb is let at the trees only here: they have been walked by now, or at an earlier start.
  std::unique_ptr<LmdbReader> reader(uint32_t) {
    return about_file(path_, [&] {
      if (!environment_) {
        environment_.emplace(path_, file_.size(), catalog_.names, !all_found_ || databases_ > 0);
      }
      return std::make_unique<LmdbReader>(*environment_, catalog_, *chance_,
                                          index_ ? &*index_ : nullptr);
    });
  }

 private:
  // Finds the named databases without reading the whole of a large main one.
  void find_named(const Mapping& map, std::vector<Named>& named) {
    constexpr uint64_t kSmall = 1024;  // leaves
    TreeWalk walk(map, header_, host_);
    if (database_.empty() && header_.main.leaf_pages > kSmall) {
      // Each page is one of the main database, of a named one or of the list of free pages, or it
      // is in that list. None is left: no named database has entries.
      const uint64_t known = 2 + header_.main.pages() + header_.free.pages() + walk.free_pages();
      if (known == header_.last_page + 1) return;
    }
    walk.main(named);
    all_found_ = true;
  }

  // Walks all trees. Those that are served go into the index, if there is one.
  void walk(const Mapping& map, std::vector<Named>& named) {
    const ReadAhead ahead(map, host_.threads());
    TreeWalk walk(map, header_, host_);
    PlaceIndex* const index = index_ ? &index_->places : nullptr;
    walk.free_pages();
    const auto main = walk.main(named, database_.empty() ? index : nullptr);
    auto all = database_.empty() ? main : EntryTotals{};
    for (const Named& each : named) all.add(walk.named(each, index));
    totals_ = all;
    databases_ = named.size();
    all_found_ = true;
  }

  static size_t in_use(const std::vector<Named>& named) {
    return static_cast<size_t>(
        std::count_if(named.begin(), named.end(), [](const Named& n) { return !n.db.is_empty(); }));
  }

  // The entries, as the records say; not for duplicates, which they count each.
  uint64_t counted() const {
    uint64_t all = 0;
    for (const Db& db : catalog_.records) {
      if ((db.flags & MDB_DUPSORT) != 0) return GOROMDB_UNKNOWN;
      all += db.entries;
    }
    return database_.empty() ? all - databases_ : all;
  }

  const Host host_;
  const std::string path_, database_;
  const DataFile
      file_;  // mapped here while it is walked, and for an index: liblmdb has its own map
  Header header_;
  std::optional<KeyChance> chance_;
  Catalog catalog_;
  size_t databases_ = 0, in_use_ = 0;  // named ones that were found; those with entries
  bool all_found_ = false;             // also those without entries
  std::optional<EntryTotals> totals_;  // when all has been walked
  std::optional<NodeIndex> index_;
  std::optional<Environment> environment_;
};

class LmdbStore {
 public:
  static constexpr const char* kName = "lmdb";
  static constexpr const char* kVersion = "0.1.0";
  static constexpr const char* kLicense = "MIT";
  static constexpr const char* kDoc =
      "LMDB files (data version 1, 64 bits), served from the map; named databases are namespaces";
  static constexpr uint32_t kTraits = GOROMDB_TRAIT_BUILDS_SORTED;
  static constexpr goromdb_option kOptions[] = {
      {sizeof(goromdb_option), GOROMDB_OPT_STRING, "database", nullptr,
       "the named database with the keys that have no namespace; unset: the main one", nullptr, 0,
       0},
      kIndexOption,
  };

  LmdbStore(Host host, const Options& options)
      : host_(host), database_(options.str("database")), with_index_(wants_index(host, options)) {
    if (database_.find('\0') != database_.npos) {
      throw Failure(GOROMDB_E_CONFIG, "the name of a database holds no zero byte");
    }
  }

  static bool recognise(std::string_view head, uint64_t) {
    return format_of(head).starts_with("an LMDB file");
  }
  std::unique_ptr<LmdbGeneration> open(const char* path, uint64_t) {
    return about_file(path, [&] {
      return std::make_unique<LmdbGeneration>(host_, file_of(path), database_, with_index_);
    });
  }
  std::unique_ptr<LmdbBuilder> build(const char* path, uint64_t) {
    return about_file(path, [&] { return std::make_unique<LmdbBuilder>(path, database_); });
  }

 private:
  const Host host_;
  const std::string database_;
  const bool with_index_;
};

}  // namespace
}  // namespace goromdb::lmdb

GOROMDB_STORAGE_PLUGIN(goromdb::lmdb::LmdbStore)
