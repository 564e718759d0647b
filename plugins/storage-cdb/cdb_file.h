// SPDX-License-Identifier: MIT
// A cdb file that is mapped: where its records are, and how a key is found.
#pragma once

#include "format.h"

#include <goromdb/data_file.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace goromdb {

// Immutable; any thread. Reads no byte outside the mapping, whatever is in it.
class CdbFile {
 public:
  // Checks the tables' places; throws a Failure.
  explicit CdbFile(const DataFile& file);
  // The same check, of a file's first bytes and its size.
  static bool looks_like(std::string_view head, uint64_t size);

  struct Record {
    std::string_view key, value;
    uint64_t at = 0, next = 0;  // where it is, and the record behind it
  };
  // One key in steps, so that many can be looked for together: locate() and then start() fetch
  // memory ahead; find() searches. False: it is not there. Throws nothing; `damaged` when what it
  // had to read is no cdb, or is one in which long keys were given the same hash to keep it busy.
  struct Search {
    uint32_t hash;
    uint32_t slot;
    const uint8_t* table;  // NULL: the table is empty
    uint32_t slots;
    uint32_t seen;  // slots that find() has looked at
    bool damaged;
    uint64_t compared;  // bytes of keys whose hash is the same
  };
  Search locate(std::string_view key) const noexcept;
  void start(const Search& search) const noexcept;
  bool find(std::string_view key, Search& search, Record& found) const noexcept;
  bool find(std::string_view key, Record& found, bool& damaged) const noexcept;

  static constexpr uint64_t kFirst = cdb::kFirst;
  uint64_t records_end() const { return records_end_; }
  // Of the record at `at`. False: it reaches beyond the records.
  bool record(uint64_t at, Record& found) const noexcept {
    if (at < kFirst || at > records_end_ || records_end_ - at < cdb::kHeadSize) return false;
    const uint64_t key = number(at), value = number(at + 4);
    const uint64_t room = records_end_ - at - cdb::kHeadSize;
    if (key > room || value > room - key) return false;
    const char* bytes = reinterpret_cast<const char*>(mapping_.data()) + at + cdb::kHeadSize;
    found = {{bytes, key}, {bytes + key, value}, at, at + cdb::kHeadSize + key + value};
    return true;
  }
  // The record that a slot, chosen by `random` among those of all tables, leads to. False: the slot
  // is empty, or what it leads to is no record.
  bool any(uint64_t random, Record& found) const noexcept;
  struct Table {
    uint32_t position, slots;
  };
  Table table(uint32_t index) const noexcept;
  // How many slots of all tables are filled; calls progress() now and then.
  uint64_t filled_slots(const Host& host) const;
  const Mapping& mapping() const { return mapping_; }
  // More bytes of keys than that are not compared in vain.
  uint64_t most_compared() const { return 16 * uint64_t{mapping_.size()}; }

 private:
  // What is wrong with the tables' places, or nothing; `records_end` when nothing is.
  static std::string table_fault(const uint8_t* header, uint64_t size, uint64_t& records_end);
  uint32_t number(uint64_t at) const noexcept { return cdb::load(mapping_.data() + at); }

  Mapping mapping_;
  uint64_t records_end_ = 0;
};

}  // namespace goromdb
