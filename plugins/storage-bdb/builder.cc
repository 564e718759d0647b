// SPDX-License-Identifier: MIT
#include "builder.h"

#include <sys/stat.h>

#include "memcachedb_item.h"

namespace goromdb::bdb {
namespace {

constexpr uint64_t kCacheBytes = uint64_t{64} << 20;

[[noreturn]] void refuse(const std::string& what) { throw Failure(GOROMDB_E_CONFIG, what); }

}  // namespace

BdbBuilder::BdbBuilder(const Layout& layout, const char* path)
    : layout_(layout), path_(path), env_(kCacheBytes) {
  struct stat st;
  if (::lstat(path, &st) == 0) throw Failure(GOROMDB_E_IO, "there is something already");
  if (!layout_.subdb.empty()) enter("");
}

void BdbBuilder::put(std::string_view ns, std::string_view key, std::string_view value,
                     uint32_t flags) {
  if (layout_.prefixes && !ns.empty()) {
    key = joined_.assign(ns).append(key);
    ns = {};
  }
  if (!database_ || ns != ns_) enter(std::string(ns));
  std::string item;
  if (layout_.memcachedb) {
    if (key.size() > kMostItemKey) {
      refuse("a key has " + std::to_string(key.size()) + " bytes; MemcacheDB keeps up to " +
             std::to_string(kMostItemKey));
    }
    if (value.size() > INT32_MAX - 2) refuse("a value is too long; MemcacheDB keeps up to 2 GiB");
    value = item = item_of({key, value, flags});
  } else if (flags != 0) {
    refuse("a plain Berkeley DB entry has no place for flags; leave them out, or set encoding");
  }
  if (key.size() > UINT32_MAX || value.size() > UINT32_MAX) {
    refuse("an entry is too long; Berkeley DB keeps keys and values of up to 4294967295 bytes");
  }
  DB* const db = database_.get();
  DBT k = dbt(key), v = dbt(value);
  const int code = db->put(db, nullptr, &k, &v, DB_NOOVERWRITE);
  if (code == DB_KEYEXIST) refuse("a key comes twice");
  env_.check(code, "an entry cannot be written");
}

void BdbBuilder::finish() {
  if (!database_) enter("");
  database_.close(env_);
}

void BdbBuilder::enter(const std::string& ns) {
  const bool is_first = !database_;
  if (!is_first && ns < ns_) refuse("entries come in the order of their namespaces");
  if (!ns.empty() && ns == layout_.subdb) {
    refuse("the namespace " + ns + " is the sub-database of the keys without one");
  }
  if (!is_first && ns_.empty() && layout_.subdb.empty()) {
    refuse(
        "a Berkeley DB file has keys without a namespace or sub-databases; with option subdb=NAME "
        "it has both");
  }
  if (ns.find('\0') != ns.npos) {
    refuse("a namespace's name holds a zero byte, which libdb does not keep");
  }
  if (!is_first) database_.close(env_);
  const auto& name = ns.empty() ? layout_.subdb : ns;
  database_ = DbHandle::create(env_, path_, name.empty() ? nullptr : name.c_str());
  ns_ = ns;
}

}  // namespace goromdb::bdb
