// SPDX-License-Identifier: MIT
// Writes a Bolt file: leaves go to the file as they fill up, and only their first keys stay in
// memory, with the small buckets that will lie in the pages of others.
#pragma once

#include "format.h"
#include "page_file.h"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace goromdb::bolt {

class Builder {
 public:
  // `plain`: the path of the bucket for the keys without a namespace. Throws Failure, as all do.
  Builder(const char* path, std::string_view plain, uint32_t page_size = 4096);
  ~Builder();

  void put(std::string_view ns, std::string_view key, std::string_view value, uint32_t flags);
  void finish();

 private:
  struct Bucket;
  struct Leaf {
    std::string first;  // key
    uint64_t page;
    uint64_t pages;
  };

  Bucket& bucket_at(std::string_view path);
  void check_order(std::string_view ns, std::string_view key) const;
  void switch_to(std::string_view ns);
  void append(std::vector<Leaf>& leaves, std::string_view key, std::string_view value,
              uint32_t flags);
  void flush(std::vector<Leaf>& leaves);
  void set_aside();
  uint64_t close(Bucket& bucket);
  void add_nested(Bucket& bucket, const std::map<std::string, std::string>& values);
  uint64_t add_branches(std::vector<Leaf> level);
  void write_free_list();
  void write_metas(uint64_t root);

  PageFile file_;
  const std::string plain_;
  const std::unique_ptr<Bucket> root_;
  Bucket* current_ = nullptr;
  std::string ns_, key_;  // the last ones
  PageBuffer page_;       // of current_, or of the bucket that is being closed
  uint64_t inline_bytes_ = 0;
  std::vector<uint64_t> free_;
  uint64_t free_list_ = 0;
};

}  // namespace goromdb::bolt
