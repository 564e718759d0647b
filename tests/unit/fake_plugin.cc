// SPDX-License-Identifier: MIT
// A plugin that does what a test asks for. What it is comes from the environment, read by each
// load:
//   FAKE_KIND=protocol       a protocol, else a storage
//   FAKE_DESCRIPTOR=WHAT     a descriptor that is wrong in one way
// What the storage does is the first word of the data file: `corrupt`, `silent`, `unreadable`,
// `unverifiable`, `slow` (5 ms to open), `cold` (warm fails), `readerless` (the last loop's reader
// fails), `empty`, `copied` (values lie in the arena); `many N` and `sorted N`: a data set of the
// keys k00001 to N, each its own value, and of the namespaces alpha, k00002 and space, which can be
// walked, in the latter in the keys' order; `mapped N`: the file is mapped, the value of "key" is
// its first N bytes where they lie, and a walk reads the last byte before each of its 100 entries;
// anything else is a data set of one key, "key", whose value is the content, and cannot be walked.
// While FILE.trouble lies beside the file, memory is short.
#include <fcntl.h>
#include <goromdb/plugin.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace {

std::atomic<int> open_generations{0}, open_readers{0}, open_cursors{0}, get_calls{0};

goromdb_status failed(goromdb_error* error, goromdb_status status, const char* message) {
  error->code = status;
  std::strncpy(error->msg, message, sizeof error->msg - 1);
  return status;
}

// ---- storage ----

struct Generation {
  std::string mode;
  void* page = nullptr;  // the value; gone with the generation
  size_t len = 0;
  uint32_t readers = 0;
  std::vector<std::string> many;
  const volatile char* map = nullptr;  // of the file
  size_t map_len = 0;
};
struct Cursor {
  const Generation& generation;
  uint32_t ns;
  size_t next;
};
constexpr std::string_view kNames[] = {"alpha", "k00002", "space"};
constexpr size_t kPage = 4096;
constexpr uint32_t kSpaceId = 5;  // of the namespace "space", whose one key is "inner"

Generation* self(goromdb_generation* g) { return reinterpret_cast<Generation*>(g); }

const goromdb_host* host_of_storage = nullptr;

goromdb_status storage_create(const goromdb_host* host, const goromdb_option_value*, uint32_t,
                              goromdb_store** store, goromdb_error*) {
  host_of_storage = host;
  *store = reinterpret_cast<goromdb_store*>(new int(0));
  return GOROMDB_OK;
}

void storage_destroy(goromdb_store* store) { delete reinterpret_cast<int*>(store); }

goromdb_status storage_open(goromdb_store*, const char* path, uint64_t, goromdb_generation** out,
                            goromdb_error* error) {
  if (::access((std::string(path) + ".trouble").c_str(), F_OK) == 0) {
    return failed(error, GOROMDB_E_NO_MEMORY, "memory is short");
  }
  char content[kPage] = "";
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  const ssize_t len = fd < 0 ? -1 : ::read(fd, content, sizeof content);
  struct stat st {};
  ::fstat(fd, &st);
  const auto size = static_cast<size_t>(st.st_size);
  const bool is_mapped = len >= 6 && std::string_view(content, 6) == "mapped";
  void* const map = is_mapped ? ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0) : nullptr;
  ::close(fd);
  if (len < 0) return failed(error, GOROMDB_E_IO, "cannot be read");
  const std::string_view text(content, static_cast<size_t>(len));
  const std::string mode(text.substr(0, text.find(' ')));
  if (mode == "corrupt") return failed(error, GOROMDB_E_CORRUPT, "bad magic number");
  if (mode == "slow") ::usleep(5000);
  if (mode == "silent") return GOROMDB_E_INTERNAL;
  if (mode == "unreadable") return failed(error, GOROMDB_E_IO, "cannot be read");
  auto* g = new Generation{mode, nullptr, text.size(), 0, {}};
  if (is_mapped) {
    g->map = static_cast<const volatile char*>(map);
    g->map_len = size;
    g->len = std::strtoul(content + mode.size(), nullptr, 10);
    g->many.resize(100, "key");
  }
  if (mode == "many" || mode == "sorted") {
    const int n = std::atoi(content + mode.size());
    for (int i = 1; i <= n; ++i) {
      char key[16];
      std::snprintf(key, sizeof key, "k%05d", mode == "sorted" ? i : n + 1 - i);
      g->many.push_back(key);
    }
  }
  g->page = ::mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  std::memcpy(g->page, text.data(), text.size());
  ++open_generations;
  *out = reinterpret_cast<goromdb_generation*>(g);
  return GOROMDB_OK;
}

void storage_close(goromdb_generation* g) {
  if (self(g)->map != nullptr) ::munmap(const_cast<char*>(self(g)->map), self(g)->map_len);
  ::munmap(self(g)->page, kPage);
  delete self(g);
  --open_generations;
}

goromdb_status storage_info(goromdb_generation* g, goromdb_generation_info* info) {
  info->entries = self(g)->mode == "empty" ? 0 : 1;
  info->bytes = self(g)->len;
  info->resident_bytes = GOROMDB_UNKNOWN;
  if (self(g)->map != nullptr) {
    info->caps = GOROMDB_CAP_VALUES_LIVE_WITH_GENERATION;
    return GOROMDB_OK;
  }
  if (!self(g)->many.empty()) info->entries = GOROMDB_UNKNOWN;
  if (!self(g)->many.empty()) info->namespaces = 3;
  if (self(g)->mode == "sorted") info->caps = GOROMDB_CAP_WALKS_SORTED;
  return GOROMDB_OK;
}

goromdb_status storage_reader_open(goromdb_generation* g, uint32_t loop, goromdb_reader** out,
                                   goromdb_error* error) {
  if (self(g)->mode == "readerless" && loop == 1) {
    return failed(error, GOROMDB_E_INTERNAL, "no reader");
  }
  ++open_readers;
  *out = reinterpret_cast<goromdb_reader*>(g);
  return GOROMDB_OK;
}

void storage_reader_close(goromdb_reader*) { --open_readers; }

void storage_get(goromdb_reader* r, uint32_t, const goromdb_key* keys, uint32_t n,
                 goromdb_value* out, goromdb_arena* arena) {
  const auto* g = reinterpret_cast<Generation*>(r);
  ++get_calls;
  for (uint32_t i = 0; i < n; ++i) {
    out[i] = {};
    const std::string_view key(static_cast<const char*>(keys[i].ptr), keys[i].len);
    if (g->map == nullptr && !g->many.empty() && keys[i].ns == 0) {
      const auto at = std::find(g->many.begin(), g->many.end(), key);
      out[i].status = at == g->many.end() ? GOROMDB_NOT_FOUND : GOROMDB_OK;
      if (at != g->many.end()) out[i].ptr = at->data();
      if (at != g->many.end()) out[i].len = static_cast<uint32_t>(at->size());
      continue;
    }
    const bool found = key == (keys[i].ns == kSpaceId ? "inner" : "key");
    out[i].status = found ? GOROMDB_OK : GOROMDB_NOT_FOUND;
    if (!found) continue;
    out[i].ptr = g->map != nullptr ? const_cast<char*>(g->map) : g->page;
    out[i].len = static_cast<uint32_t>(g->len);
    if (g->mode != "copied") continue;
    out[i].ptr = std::memcpy(host_of_storage->arena_alloc(arena, g->len, 1), g->page, g->len);
  }
}

goromdb_status storage_ns_lookup(goromdb_reader*, goromdb_slice name, uint32_t* id) {
  const std::string_view text(static_cast<const char*>(name.ptr), name.len);
  if (text == "broken") return GOROMDB_E_IO;
  *id = kSpaceId;
  return text == "space" ? GOROMDB_OK : GOROMDB_NOT_FOUND;
}

goromdb_status storage_ns_list(goromdb_reader*, goromdb_slice after, uint32_t max,
                               goromdb_slice* names, uint32_t* got, goromdb_arena*,
                               goromdb_error*) {
  const std::string_view behind(static_cast<const char*>(after.ptr), after.len);
  *got = 0;
  for (const auto name : kNames) {
    if (after.ptr != nullptr && name <= behind) continue;
    if (*got == max) return GOROMDB_OK;
    names[(*got)++] = {name.data(), name.size()};
  }
  return GOROMDB_END;
}

goromdb_status storage_cursor_open(goromdb_reader* r, uint32_t ns, goromdb_slice after,
                                   goromdb_cursor** out, goromdb_error*) {
  const auto& g = *reinterpret_cast<Generation*>(r);
  if (g.many.empty()) return GOROMDB_E_UNSUPPORTED;
  size_t next = 0;
  if (after.ptr != nullptr && ns == 0) {
    const std::string_view key(static_cast<const char*>(after.ptr), after.len);
    const auto at = g.mode == "sorted" ? std::upper_bound(g.many.begin(), g.many.end(), key)
                                       : std::find(g.many.begin(), g.many.end(), key);
    if (g.mode != "sorted" && at == g.many.end()) return GOROMDB_E_UNSUPPORTED;
    next = static_cast<size_t>(at - g.many.begin()) + (g.mode != "sorted");
  }
  *out = reinterpret_cast<goromdb_cursor*>(new Cursor{g, ns, next});
  ++open_cursors;
  return GOROMDB_OK;
}

goromdb_status storage_cursor_next(goromdb_cursor* c, uint32_t max, goromdb_key* keys,
                                   goromdb_value* values, uint32_t* got, goromdb_arena*,
                                   goromdb_error* error) {
  static const std::vector<std::string> inner = {"inner"};
  auto& cursor = *reinterpret_cast<Cursor*>(c);
  const auto& all = cursor.ns == kSpaceId ? inner : cursor.generation.many;
  const auto& generation = cursor.generation;
  for (*got = 0; *got < max && cursor.next < all.size(); ++*got, ++cursor.next) {
    if (generation.map != nullptr) (void)generation.map[generation.map_len - 1];
    const auto& key = all[cursor.next];
    if (key == "k66666") return failed(error, GOROMDB_E_CORRUPT, "damaged");
    const auto len = static_cast<uint32_t>(key.size());
    keys[*got] = {key.data(), len, 0};
    values[*got] = {key.data(), len, 0, 0, GOROMDB_OK, 0};
  }
  return cursor.next == all.size() ? GOROMDB_END : GOROMDB_OK;
}

void storage_cursor_close(goromdb_cursor* cursor) {
  delete reinterpret_cast<Cursor*>(cursor);
  --open_cursors;
}

goromdb_status storage_verify(goromdb_generation* g, goromdb_error* error) {
  if (self(g)->mode != "unverifiable") return GOROMDB_OK;
  return failed(error, GOROMDB_E_CORRUPT, "page 7 is damaged");
}

goromdb_status storage_warm(goromdb_generation* g, uint64_t, uint64_t, uint64_t* next,
                            goromdb_error* error) {
  if (self(g)->mode == "cold") return failed(error, GOROMDB_E_IO, "the disk is slow");
  *next = self(g)->len;
  return GOROMDB_END;
}

goromdb_status storage_memory(goromdb_generation* g, uint32_t part, goromdb_slice* out) {
  if (part > 0) return GOROMDB_NOT_FOUND;
  *out = {self(g)->page, kPage};
  return GOROMDB_OK;
}

// ---- protocol: "get DB KEY...\n", "gets DB KEY..." with versions, "want N" keys, "bye"; a key may
// be written "DB/NAMESPACE:KEY"; "kind DB KEY..." tells keys from namespaces; "walk DB FLAGS COUNT
// POSITION [NAMESPACE]" gives entries, with the flags n(ames), c(ount), p(osition), r(andom),
// k(ind), v(ersion), a(gain) or -; "from KEY" in front of it begins there ----

constexpr uint64_t kGets = 1;
void (*before_reply)() = nullptr;

goromdb_status protocol_create(const goromdb_host*, const goromdb_option_value*, uint32_t,
                               void** out, goromdb_error*) {
  *out = nullptr;
  return GOROMDB_OK;
}
void protocol_destroy(void*) {}

std::string_view word_of(std::string_view& line) {
  const auto space = line.find(' ');
  const auto word = line.substr(0, space);
  line = space == std::string_view::npos ? std::string_view() : line.substr(space + 1);
  return word;
}

goromdb_status protocol_parse(void*, void*, goromdb_parse* p) {
  const std::string_view in(reinterpret_cast<const char*>(p->in), p->in_len);
  while (p->req_len < p->req_cap) {
    const auto end = in.find('\n', p->consumed);
    if (end == std::string_view::npos) return GOROMDB_NEED_MORE;
    auto line = in.substr(p->consumed, end - p->consumed);
    const auto verb = word_of(line);
    goromdb_request request{};
    request.first_key = p->key_len;
    if (verb == "want") {
      if (p->req_len > 0) return GOROMDB_OK;
      p->want_keys = static_cast<uint32_t>(std::strtoul(std::string(line).c_str(), nullptr, 10));
      if (p->key_cap < p->want_keys) return GOROMDB_AGAIN;
      request.op = GOROMDB_OP_LOCAL;
    } else if (verb == "bye") {
      request.op = GOROMDB_OP_CLOSE;
    } else if (verb == "room") {
      if (p->req_len > 0) return GOROMDB_OK;
      p->want_reqs = static_cast<uint32_t>(std::strtoul(std::string(line).c_str(), nullptr, 10));
      if (p->req_cap < p->want_reqs) return GOROMDB_AGAIN;
      request.op = GOROMDB_OP_LOCAL;
    } else if (verb == "walk" || verb == "from") {
      if (verb == "from") {
        const auto key = word_of(line);
        p->keys[p->key_len++] = {key.data(), static_cast<uint32_t>(key.size()), 0};
        request.nkeys = 1;
        request.flags = GOROMDB_WALK_FROM;
        word_of(line);
      }
      request.op = GOROMDB_OP_WALK;
      request.database = static_cast<uint32_t>(word_of(line)[0] - '0');
      for (const char flag : word_of(line)) {
        request.flags |= flag == 'n'   ? GOROMDB_WALK_NAMESPACES
                         : flag == 'c' ? GOROMDB_WALK_COUNT
                         : flag == 'p' ? GOROMDB_WALK_POSITION
                         : flag == 'r' ? GOROMDB_WALK_RANDOM
                         : flag == 'k' ? GOROMDB_WANT_KIND
                         : flag == 'v' ? GOROMDB_WANT_VERSION
                                       : 0;
        if (flag == 'a') request.tag[0] = 1;
      }
      request.count = static_cast<uint32_t>(std::atoi(std::string(word_of(line)).c_str()));
      request.position = std::strtoull(std::string(word_of(line)).c_str(), nullptr, 10);
      request.arg = {line.data(), line.size()};
    } else {
      request.op = GOROMDB_OP_GET;
      request.tag[0] = verb == "gets" ? kGets : 0;
      request.flags = verb == "gets" ? GOROMDB_WANT_VERSION : 0;
      if (verb == "kind") request.flags = GOROMDB_WANT_KIND;
      request.database = static_cast<uint32_t>(word_of(line)[0] - '0');
      while (!line.empty()) {
        auto key = word_of(line);
        uint32_t scope = 0;
        if (const auto colon = key.find(':'); colon != std::string_view::npos) {
          const auto name = key.substr(2, colon - 2);
          p->scopes[p->scope_len++] = {
              {name.data(), name.size()}, static_cast<uint32_t>(key[0] - '0'), 0};
          scope = p->scope_len;
          key.remove_prefix(colon + 1);
        }
        p->keys[p->key_len++] = {key.data(), static_cast<uint32_t>(key.size()), scope};
        ++request.nkeys;
      }
    }
    p->reqs[p->req_len++] = request;
    p->consumed = end + 1;
  }
  return GOROMDB_OK;
}

goromdb_status protocol_reply(void*, void*, const goromdb_request* request,
                              const goromdb_answer* answer, goromdb_out* out) {
  if (before_reply != nullptr) before_reply();
  auto put = [&](std::string_view text) {
    if (static_cast<size_t>(out->end - out->cur) < text.size()) out->grow(out, text.size());
    std::memcpy(out->cur, text.data(), text.size());
    out->cur += text.size();
  };
  if (request->op == GOROMDB_OP_CLOSE) put("bye");
  if (request->op == GOROMDB_OP_LOCAL) put("local");
  if (request->op == GOROMDB_OP_WALK) {
    const auto& a = *answer;
    if (a.status != GOROMDB_OK && a.status != GOROMDB_END) {
      put("status " + std::to_string(a.status) + "\n");
      return GOROMDB_OK;
    }
    for (uint32_t i = 0; i < a.n; ++i) {
      put({static_cast<const char*>(a.keys[i].ptr), a.keys[i].len});
      if (a.values[i].version != 0) put("+version");
      put(a.values[i].status == GOROMDB_IS_NAMESPACE ? "/ " : " ");
    }
    put("total=" + std::to_string(a.total) + " position=" + std::to_string(a.position));
    put(a.status == GOROMDB_END ? " end\n" : "\n");
    return request->tag[0] == 1 && a.status == GOROMDB_OK ? GOROMDB_AGAIN : GOROMDB_OK;
  }
  if (answer->status == GOROMDB_E_NOT_READY) put("not ready");
  for (uint32_t i = 0; i < answer->n; ++i) {
    const auto& value = answer->values[i];
    if (i > 0) put(",");
    if (value.status != GOROMDB_OK) {
      put(value.status == GOROMDB_NOT_FOUND      ? "-"
          : value.status == GOROMDB_IS_NAMESPACE ? "namespace"
          : value.status == GOROMDB_IS_KEY       ? "key"
          : value.status == GOROMDB_E_NOT_READY  ? "later"
                                                 : "fault");
      continue;
    }
    out->value(out, &value);
    if (request->tag[0] == kGets) put(value.version != 0 ? "+version" : "+0");
  }
  put("\n");
  return GOROMDB_OK;
}

// ---- descriptor ----

constexpr goromdb_option option_of(const char* name, int32_t type, const char* def,
                                   const char* choices = nullptr, int64_t min = 0,
                                   int64_t max = 0) {
  return {sizeof(goromdb_option), type, name, def, "help", choices, min, max};
}
constexpr goromdb_option kOptions[] = {
    option_of("nested", GOROMDB_OPT_ENUM, "namespace", "namespace|text"),
    option_of("limit", GOROMDB_OPT_SIZE, "1MiB", nullptr, 1024, 1 << 30),
    option_of("patience", GOROMDB_OPT_DURATION, nullptr, nullptr, 1, 60'000),
    option_of("depth", GOROMDB_OPT_INT, "-3", nullptr, -10, 10),
    option_of("strict", GOROMDB_OPT_BOOL, "false"),
    option_of("bucket", GOROMDB_OPT_STRING, nullptr),
};

goromdb_storage_ops storage_ops;
goromdb_protocol_ops protocol_ops;
goromdb_plugin descriptor;

}  // namespace

extern "C" GOROMDB_EXPORT int fake_open_generations(void) { return open_generations; }
extern "C" GOROMDB_EXPORT int fake_open_readers(void) { return open_readers; }
extern "C" GOROMDB_EXPORT int fake_open_cursors(void) { return open_cursors; }
extern "C" GOROMDB_EXPORT int fake_get_calls(void) { return get_calls; }
// `act` runs before each reply is written, until there is another, or NULL.
extern "C" GOROMDB_EXPORT void fake_before_reply(void (*act)(void)) { before_reply = act; }

extern "C" GOROMDB_EXPORT const goromdb_plugin* goromdb_plugin_v0(void) {
  const char* kind = std::getenv("FAKE_KIND");
  const char* wrong_name = std::getenv("FAKE_DESCRIPTOR");
  const std::string wrong = wrong_name == nullptr ? "" : wrong_name;

  storage_ops = {};
  storage_ops.struct_size = sizeof storage_ops;
  storage_ops.traits = GOROMDB_TRAIT_BOUNDS_CHECKED;  // a guard would be this test program again
  storage_ops.create = storage_create;
  storage_ops.destroy = storage_destroy;
  storage_ops.open = storage_open;
  storage_ops.close = storage_close;
  storage_ops.info = storage_info;
  storage_ops.reader_open = storage_reader_open;
  storage_ops.reader_close = storage_reader_close;
  storage_ops.get = storage_get;
  storage_ops.ns_lookup = storage_ns_lookup;
  storage_ops.ns_list = storage_ns_list;
  storage_ops.cursor_open = storage_cursor_open;
  storage_ops.cursor_next = storage_cursor_next;
  storage_ops.cursor_close = storage_cursor_close;
  storage_ops.verify = storage_verify;
  storage_ops.warm = storage_warm;
  storage_ops.memory = storage_memory;
  protocol_ops = {};
  protocol_ops.struct_size = sizeof protocol_ops;
  protocol_ops.create = protocol_create;
  protocol_ops.destroy = protocol_destroy;
  protocol_ops.parse = protocol_parse;
  protocol_ops.reply = protocol_reply;

  auto& d = descriptor;
  d = {};
  d.magic = GOROMDB_MAGIC;
  d.abi_major = GOROMDB_ABI_MAJOR;
  d.abi_minor = GOROMDB_ABI_MINOR;
  d.struct_size = sizeof d;
  d.kind = kind == nullptr ? GOROMDB_KIND_STORAGE : GOROMDB_KIND_PROTOCOL;
  d.name = "fake";
  d.version = "1.2.3";
  d.license = "MIT";
  d.doc = "Does what a test asks for.";
  d.options = kOptions;
  d.option_count = sizeof kOptions / sizeof kOptions[0];
  d.option_stride = sizeof kOptions[0];
  if (kind == nullptr) {
    d.storage = &storage_ops;
  } else {
    d.protocol = &protocol_ops;
  }
  if (wrong == "null") return nullptr;
  if (wrong == "magic") d.magic = 1;
  if (wrong == "major") d.abi_major = 9;
  if (wrong == "short") d.struct_size = 24;
  if (wrong == "host") d.min_host_minor = 99;
  if (wrong == "feature") d.must_understand = 0x10;
  if (wrong == "name") d.name = nullptr;
  if (wrong == "license") d.license = nullptr;
  if (wrong == "kind") d.kind = 7;
  if (wrong == "table") d.storage = nullptr;
  if (wrong == "get") storage_ops.get = nullptr;
  if (wrong == "old table") storage_ops.struct_size = offsetof(goromdb_storage_ops, get);
  if (wrong == "before warm") storage_ops.struct_size = offsetof(goromdb_storage_ops, warm);
  if (wrong == "reply") protocol_ops.reply = nullptr;
  return &d;
}
