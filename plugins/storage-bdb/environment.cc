// SPDX-License-Identifier: MIT
#include "environment.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <exception>
#include <limits>
#include <new>
#include <utility>

namespace goromdb::bdb {
namespace {

constexpr uint64_t kGigabyte = uint64_t{1} << 30;

}  // namespace

goromdb_status status_of(int code) {
  switch (code) {
    case ENOMEM:
    case EMFILE:  // the machine is short of something; the file is as good as it was
    case ENFILE:
    case EINTR:
    case EAGAIN:
      return GOROMDB_E_NO_MEMORY;
    case EIO:
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EACCES:
    case EPERM:
    case EROFS:
      return GOROMDB_E_IO;
    case DB_OLD_VERSION:
      return GOROMDB_E_UNSUPPORTED;
    default:
      return GOROMDB_E_CORRUPT;
  }
}

// libdb prints to standard error what nobody takes.
Environment::Environment(uint64_t cache_bytes) {
  DB_ENV* env = nullptr;
  check(db_env_create(&env, 0), "libdb cannot be used");
  env_.reset(env);
  env->app_private = this;
  env->set_errcall(env, [](const DB_ENV* from, const char*, const char* message) {
    auto& complaint = static_cast<Environment*>(from->app_private)->complaint_;
    try {
      if (complaint.empty()) complaint = message;
    } catch (const std::bad_alloc&) {  // then libdb's name for the code has to do
    }
  });
  env->set_msgcall(env, [](const DB_ENV*, const char*) {});
  check(env->set_cachesize(env, static_cast<uint32_t>(cache_bytes / kGigabyte),
                           static_cast<uint32_t>(cache_bytes % kGigabyte), 1),
        "the cache cannot be set");
  // libdb's own limit, above which it would copy a file into its cache, is 10 MiB.
  check(env->set_mp_mmapsize(env, std::numeric_limits<size_t>::max() / 2), "mapping cannot be set");
  // For a verification's notes; without it libdb takes /var/tmp.
  if (const char* folder = std::getenv("TMPDIR"); folder != nullptr && *folder != '\0') {
    check(env->set_tmp_dir(env, folder), "TMPDIR cannot be used");
  }
  check(env->open(env, nullptr, DB_PRIVATE | DB_INIT_MPOOL | DB_CREATE, 0), "libdb cannot be used");
}

void Environment::keep_to_the_file(DB* db, const std::string& path) {
  struct stat file;
  uint32_t page_size = 0;
  check(::stat(path.c_str(), &file) == 0 ? 0 : errno, "it cannot be opened");
  check(db->get_pagesize(db, &page_size), "it cannot be opened");
  // libdb takes this for the number of the last page.
  const auto size = static_cast<uint64_t>(file.st_size);
  const uint64_t most = size > page_size ? size - page_size : size;
  DB_MPOOLFILE* const pages = db->get_mpf(db);
  check(pages->set_maxsize(pages, static_cast<uint32_t>(most / kGigabyte),
                           static_cast<uint32_t>(most % kGigabyte)),
        "it cannot be opened");
  only_reads_ = true;
}

bool Environment::is_broken() const {
  uint32_t flags = 0;
  return env_->get_flags(env_.get(), &flags) != 0 || (flags & DB_PANIC_ENVIRONMENT) != 0;
}

void Environment::check(int code, const char* what) {
  if (code == 0) return;
  const auto complaint = std::exchange(complaint_, {});
  if (code == ENOSPC && only_reads_) {
    throw Failure(GOROMDB_E_CORRUPT, std::string(what) + ": a page leads behind the file's end");
  }
  throw Failure(status_of(code),
                what + (": " + (complaint.empty() ? db_strerror(code) : complaint)));
}

DbHandle DbHandle::make(Environment& env) {
  DbHandle handle;
  DB* db = nullptr;
  env.check(db_create(&db, env.get(), 0), "libdb cannot be used");
  handle.db_.reset(db);
  return handle;
}

DbHandle DbHandle::open(Environment& env, const std::string& path, const char* subdb) {
  DbHandle handle = make(env);
  DB* const db = handle.get();
  env.check(db->open(db, nullptr, path.c_str(), subdb, DB_UNKNOWN, DB_RDONLY, 0),
            "it cannot be opened");
  env.keep_to_the_file(db, path);
  env.check(db->get_type(db, &handle.type_), "it cannot be opened");
  if (handle.type_ != DB_BTREE && handle.type_ != DB_HASH && handle.type_ != DB_RECNO) {
    throw Failure(GOROMDB_E_UNSUPPORTED,
                  "it holds a queue or a heap, and btrees, hashes and recnos are served");
  }
  return handle;
}

DbHandle DbHandle::create(Environment& env, const std::string& path, const char* subdb) {
  constexpr uint32_t kPageSize = 4096;
  DbHandle handle = make(env);
  DB* const db = handle.get();
  handle.type_ = DB_BTREE;
  env.check(db->set_pagesize(db, kPageSize), "it cannot be made");
  env.check(db->open(db, nullptr, path.c_str(), subdb, DB_BTREE, DB_CREATE | DB_EXCL, 0644),
            "it cannot be made");
  return handle;
}

CursorHandle DbHandle::cursor(Environment& env) const {
  DBC* cursor = nullptr;
  env.check(db_->cursor(db_.get(), nullptr, &cursor, 0), "it cannot be walked");
  return CursorHandle(cursor);
}

void DbHandle::close(Environment& env) {
  DB* db = db_.release();
  env.check(db->close(db, 0), "it cannot be written");
}

void verify_structure(Environment& env, const std::string& path,
                      const std::function<void(int)>& progress) {
  struct State {
    Environment& env;
    const std::function<void(int)>& progress;
    std::exception_ptr stopped;
  } state{env, progress, nullptr};
  DB* db = nullptr;
  env.check(db_create(&db, env.get(), 0), "libdb cannot be used");
  db->app_private = &state;
  env.check(db->set_feedback(db,
                             [](DB* from, int, int percent) {
                               // libdb asks for its own databases too, which have no state.
                               auto* own = static_cast<State*>(from->app_private);
                               if (own == nullptr || own->stopped != nullptr) return;
                               try {
                                 own->progress(percent);
                               } catch (...) {
                                 own->stopped = std::current_exception();
                                 // libdb has no other way to end it before it is through: from
                                 // here on its calls in this environment fail.
                                 DB_ENV* all = own->env.get();
                                 all->set_flags(all, DB_PANIC_ENVIRONMENT, 1);
                               }
                             }),
            "libdb cannot be used");
  const int bad = db->verify(db, path.c_str(), nullptr, nullptr, 0);  // closes it, too
  if (state.stopped != nullptr) std::rethrow_exception(state.stopped);
  env.check(bad, "it is damaged");
}

}  // namespace goromdb::bdb
