// SPDX-License-Identifier: MIT
// The plugin storage-cdb: a mapped file and look-ups in it.
#include "builder.h"
#include "cdb_file.h"
#include "quick_verify.h"

#include <goromdb/place_index.hpp>

#include <memory>
#include <optional>
#include <random>
#include <string>

namespace goromdb {
namespace {

constexpr size_t kBatch = 32;  // keys whose memory is fetched together

void found_at(const CdbFile::Record& record, goromdb_value& out) {
  out.ptr = record.value.data();
  out.len = static_cast<uint32_t>(record.value.size());
  out.status = GOROMDB_OK;
}

// Some records in the order of the file, and the search for each one's key begun: what is read of
// the hash tables, which have another order, is fetched together.
struct Stretch {
  CdbFile::Record records[kBatch];
  CdbFile::Search searches[kBatch];
  size_t size = 0;

  // At most `most` from `at` on, which goes behind them. False: what lies at `at` is no record.
  bool read(const CdbFile& file, uint64_t& at, size_t most) {
    for (size = 0; size < std::min(most, kBatch) && at < file.records_end(); ++size) {
      if (!file.record(at, records[size])) return false;
      searches[size] = file.locate(records[size].key);
      at = records[size].next;
    }
    return true;
  }
};

// The file's records for the index, which knows them by the byte they begin at.
struct CdbEntries {
  const CdbFile& file;

  uint64_t tree(uint32_t ns) const noexcept { return ns == 0 ? 0 : PlaceIndex::kNoTree; }
  const void* head(uint64_t place) const noexcept { return file.mapping().data() + place; }
  PlacedEntry at(uint64_t place) const noexcept {
    CdbFile::Record record;
    file.record(place, record);
    return {record.key, record.value};
  }
};

// What a walk over the whole file has told.
struct Verified {
  std::optional<EntryTotals> totals;  // unset: it has not been walked
  bool distinct = false;              // no key comes twice
};

// Entries in the order of the file; of equal keys the first, which is the one that is found.
class CdbCursor {
 public:
  // `distinct`: no key comes twice, so none need be looked for.
  CdbCursor(const CdbFile& file, uint64_t at, bool distinct)
      : file_(file), distinct_(distinct), at_(at) {}

  goromdb_status next(std::span<goromdb_key> keys, goromdb_value* values, uint32_t& got,
                      goromdb_arena*) {
    while (got < keys.size() && at_ < file_.records_end()) {
      Stretch stretch;
      if (!stretch.read(file_, at_, keys.size() - got)) damaged(at_);
      for (size_t i = 0; i < stretch.size; ++i) {
        const auto& record = stretch.records[i];
        CdbFile::Record first = record;
        if (!distinct_ && !file_.find(record.key, stretch.searches[i], first)) damaged(record.at);
        if (first.at != record.at) continue;
        keys[got] = {record.key.data(), static_cast<uint32_t>(record.key.size()), 0};
        values[got] = {};
        found_at(record, values[got++]);
      }
    }
    return at_ < file_.records_end() ? GOROMDB_OK : GOROMDB_END;
  }

 private:
  [[noreturn]] static void damaged(uint64_t at) {
    throw Failure(GOROMDB_E_CORRUPT, "the record at byte " + std::to_string(at) + " is damaged");
  }

  const CdbFile& file_;
  const bool distinct_;
  uint64_t at_;
};

class CdbReader {
 public:
  // `index` may be null.
  CdbReader(const CdbFile& file, const Verified& verified, const PlaceIndex* index)
      : file_(file), verified_(verified), index_(index) {}

  void get(uint32_t, std::span<const goromdb_key> keys, goromdb_value* out,
           goromdb_arena*) noexcept {
    if (index_ != nullptr) return index_->get(CdbEntries{file_}, keys, out);
    while (!keys.empty()) {
      const auto some = keys.first(std::min(keys.size(), kBatch));
      CdbFile::Search searches[kBatch];
      for (size_t i = 0; i < some.size(); ++i) searches[i] = file_.locate(view(some[i]));
      for (size_t i = 0; i < some.size(); ++i) file_.start(searches[i]);
      for (size_t i = 0; i < some.size(); ++i) {
        CdbFile::Record record;
        out[i] = {};
        out[i].status = GOROMDB_NOT_FOUND;
        if (some[i].ns != 0) continue;  // the format has no namespaces
        if (file_.find(view(some[i]), searches[i], record)) found_at(record, out[i]);
        if (searches[i].damaged) out[i].status = GOROMDB_E_CORRUPT;
      }
      keys = keys.subspan(some.size());
      out += some.size();
    }
  }

  std::unique_ptr<CdbCursor> cursor(uint32_t ns, After after) const {
    CdbFile::Record record;
    bool damaged = false;
    if (ns != 0) return cursor_at(file_.records_end());
    if (!after) return cursor_at(CdbFile::kFirst);
    if (!file_.find(*after, record, damaged)) {
      throw Failure(GOROMDB_E_UNSUPPORTED, "the key to go on behind is not there");
    }
    return cursor_at(record.next);
  }

  // Each record has one slot, and half of the slots are filled: a few tries hit one. A file with
  // hardly any, or with the same keys again and again, is walked from the front.
  std::unique_ptr<CdbCursor> random_cursor(uint32_t ns, uint64_t random) const {
    constexpr int kTries = 256;
    std::mt19937_64 chance(random);
    CdbFile::Record record, first;
    bool damaged = false;
    for (int i = 0; ns == 0 && i < kTries; ++i) {
      if (!file_.any(chance(), record)) continue;
      if (verified_.distinct || (file_.find(record.key, first, damaged) && first.at == record.at)) {
        return cursor_at(record.at);
      }
    }
    return cursor(ns, After());
  }
  std::optional<uint64_t> ns_count(uint32_t ns) const {
    if (ns != 0) return 0;
    return verified_.totals ? std::optional(verified_.totals->entries) : std::nullopt;
  }

 private:
  std::unique_ptr<CdbCursor> cursor_at(uint64_t at) const {
    return std::make_unique<CdbCursor>(file_, at, verified_.distinct);
  }

  const CdbFile& file_;
  const Verified& verified_;  // the generation's
  const PlaceIndex* const index_;
};

class CdbGeneration {
 public:
  CdbGeneration(const char* path, Host host, bool with_index)
      : path_(path), host_(host), data_(path), file_(data_) {
    if (!with_index) return;
    walk(&index_.emplace(data_.size(), PlaceIndex::kOnePage));
    index_->finish(host_);
  }

  void info(goromdb_generation_info& info) const {
    info.caps = GOROMDB_CAP_VALUES_LIVE_WITH_GENERATION;
    EntryTotals::tell(verified_.totals, info);  // the format does not count them, verify() does
    info.resident_bytes = index_ ? index_->memory_bytes() : GOROMDB_UNKNOWN;
  }
  std::unique_ptr<CdbReader> reader(uint32_t) {
    return std::make_unique<CdbReader>(file_, verified_, index_ ? &*index_ : nullptr);
  }
  goromdb_status warm(uint64_t offset, uint64_t budget, uint64_t& next) const {
    return data_.warm(offset, budget, next);
  }
  std::vector<goromdb_slice> memory() const {
    std::vector<goromdb_slice> parts{file_.mapping().memory()};
    if (index_) index_->add_memory(parts);
    return parts;
  }

  void verify() {
    if (index_) return;  // open() has walked it
    about_file(path_, [&] {
      if (const auto totals = quick_verify(file_, host_)) {
        verified_ = {totals, true};
      } else {
        walk(nullptr);
      }
    });
  }

 private:
  static constexpr uint64_t kProgressEvery = uint64_t{1} << 15;

  // Every record is found by its key without a long search, and nothing else is. Those that are
  // found go into the index, if there is one.
  void walk(PlaceIndex* index) {
    const ReadAhead ahead(file_.mapping(), host_.threads());
    EntryTotals totals;
    uint64_t records = 0, probes = 0, compared = 0, told = 0;
    for (uint64_t next = CdbFile::kFirst; next < file_.records_end();) {
      Stretch stretch;
      if (!stretch.read(file_, next, kBatch)) fail(next, "reaches beyond the records");
      for (size_t i = 0; i < stretch.size; ++i, ++records) {
        const auto& record = stretch.records[i];
        auto& search = stretch.searches[i];
        const uint64_t at = record.at;
        CdbFile::Record first;
        if (!file_.find(record.key, search, first)) fail(at, "is not found by its key");
        probes += search.seen;
        compared += search.compared;
        // Tables are half full: two slots a record. Without this, one that is full to the brim
        // takes the square of its size.
        if (probes > kMostProbes * (records + 1) + kFreeProbes ||
            compared > file_.most_compared()) {
          throw Failure(GOROMDB_E_CORRUPT,
                        "its hash tables are too full: " + std::to_string(records + 1) +
                            " records took looks at " + std::to_string(probes) +
                            " slots; make the file anew");
        }
        if (first.at == at) {
          totals.add(record.key.size(), record.value.size());
          if (index != nullptr) index->add(0, record.key, at);
        }
        if (records + probes >= told) {
          host_.progress(at, file_.mapping().size());
          told = records + probes + kProgressEvery;
        }
      }
    }
    if (const auto slots = file_.filled_slots(host_); slots != records) {
      throw Failure(GOROMDB_E_CORRUPT, "its hash tables have " + std::to_string(slots) +
                                           " records, the file has " + std::to_string(records));
    }
    verified_ = {totals, totals.entries == records};
  }

  [[noreturn]] static void fail(uint64_t at, const char* what) {
    throw Failure(GOROMDB_E_CORRUPT,
                  "the record at byte " + std::to_string(at) + " " + what + "; make the file anew");
  }

  const std::string path_;
  const Host host_;
  const DataFile data_;
  const CdbFile file_;
  Verified verified_;
  std::optional<PlaceIndex> index_;
};

class CdbStore {
 public:
  static constexpr const char* kName = "cdb";
  static constexpr const char* kVersion = "0.1.0";
  static constexpr const char* kLicense = "MIT";
  static constexpr const char* kDoc = "constant databases (cdb), mapped";
  static constexpr uint32_t kTraits = GOROMDB_TRAIT_BOUNDS_CHECKED | GOROMDB_TRAIT_BUILDS_SORTED;
  static constexpr goromdb_option kOptions[] = {kIndexOption};

  CdbStore(Host host, const Options& options)
      : host_(host), with_index_(wants_index(host, options)) {}

  static bool recognise(std::string_view head, uint64_t size) {
    return CdbFile::looks_like(head, size);
  }
  std::unique_ptr<CdbGeneration> open(const char* path, uint64_t) {
    return about_file(path,
                      [&] { return std::make_unique<CdbGeneration>(path, host_, with_index_); });
  }
  std::unique_ptr<CdbBuilder> build(const char* path, uint64_t) {
    return std::make_unique<CdbBuilder>(path);
  }

 private:
  const Host host_;
  const bool with_index_;
};

}  // namespace
}  // namespace goromdb

GOROMDB_STORAGE_PLUGIN(goromdb::CdbStore)
