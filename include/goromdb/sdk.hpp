// SPDX-License-Identifier: MIT
// A thin C++20 layer over plugin.h: write classes, get the C tables. Header-only and not part of
// the ABI.
//
// A storage is three classes; exceptions that leave them become statuses and messages:
//
//   struct Store      { Store(Host, const Options&);
//                       std::unique_ptr<Generation> open(const char* path, uint64_t id);
//                       // optional: static constexpr uint32_t kTraits;
//                       static bool recognise(std::string_view head, uint64_t size);
//                       std::unique_ptr<Builder> build(const char* path, uint64_t expected) };
//   struct Generation { void info(goromdb_generation_info&) const;
//                       std::unique_ptr<Reader> reader(uint32_t loop);
//                       // optional: verify, warm (see the adapter) };
//   struct Reader     { void get(uint32_t flags, std::span<const goromdb_key>, goromdb_value* out,
//                                goromdb_arena*) noexcept;
//                       // optional: ns_lookup, ns_list, ns_count (see the adapter);
//                       std::unique_ptr<Cursor> cursor(uint32_t ns, After);
//                       std::unique_ptr<Cursor> random_cursor(uint32_t ns, uint64_t random) };
//   struct Cursor     { goromdb_status next(std::span<goromdb_key>, goromdb_value*, uint32_t& got,
//                                           goromdb_arena*); };
//   struct Builder    { void put(std::string_view ns, std::string_view key, std::string_view value,
//                                uint32_t flags);
//                       void finish(); };
//
// A protocol is one class and the state of a connection, which starts as zero bytes:
//
//   struct Protocol   { struct Conn {...};  Protocol(Host, const Options&);
//                       goromdb_status parse(Conn&, goromdb_parse&) const noexcept;
//                       goromdb_status reply(Conn&, const goromdb_request&, const goromdb_answer&,
//                                            Writer&) const noexcept;
//                       // optional: void turn_away(uint32_t reason, Writer&) const noexcept;
//                       void announce(Conn&, const goromdb_event&, Writer&) const noexcept;
//                       void conn_end(Conn&) const noexcept };
#pragma once

#include <goromdb/plugin.h>
#include <goromdb/text.hpp>

#include <algorithm>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace goromdb {

inline std::string_view view(const goromdb_slice& s) {
  return {static_cast<const char*>(s.ptr), s.len};
}
inline std::string_view view(const goromdb_key& k) {
  return {static_cast<const char*>(k.ptr), k.len};
}
inline goromdb_slice slice(std::string_view s) { return {s.data(), s.size()}; }

// Behind which key or name a walk goes on; none: from the first.
using After = std::optional<std::string_view>;
inline After after_of(const goromdb_slice& s) {
  return s.ptr == nullptr ? After() : After(view(s));
}

// Thrown by a storage or a protocol when it is created or opens a file; the message is one line
// that says what is wrong, where, and what to do.
class Failure : public std::runtime_error {
 public:
  Failure(goromdb_status code, const std::string& message)
      : std::runtime_error(message), code_(code) {}
  goromdb_status code() const { return code_; }

 private:
  goromdb_status code_;
};

// What a walk over all entries counts, for info().
struct EntryTotals {
  uint64_t entries = 0, bytes = 0, largest_key = 0, largest_value = 0;

  void add(uint64_t key_size, uint64_t value_size) {
    ++entries;
    bytes += key_size + value_size;
    if (key_size > largest_key || value_size > largest_value) [[unlikely]] {
      largest_key = std::max(largest_key, key_size);
      largest_value = std::max(largest_value, value_size);
    }
  }
  void add(const EntryTotals& other) {
    entries += other.entries;
    bytes += other.bytes;
    largest_key = std::max(largest_key, other.largest_key);
    largest_value = std::max(largest_value, other.largest_value);
  }
  // `totals` unset: not counted yet.
  static void tell(const std::optional<EntryTotals>& totals, goromdb_generation_info& info) {
    info.entries = totals ? totals->entries : GOROMDB_UNKNOWN;
    info.bytes = totals ? totals->bytes : GOROMDB_UNKNOWN;
    info.largest_key = totals ? totals->largest_key : 0;
    info.largest_value = totals ? totals->largest_value : 0;
  }
};

// The host's services. Copies share the host's table, which outlives the plugin's instance.
class Host {
 public:
  explicit Host(const goromdb_host* table) : table_(table) {}

  void log(int32_t level, std::string_view message) const {
    table_->log(table_->ctx, level, message.data(), message.size());
  }
  uint32_t loop_count() const { return table_->loop_count; }
  // That open() or verify() may use, its own with them.
  uint32_t threads() const { return std::max<uint32_t>(table_->threads, 1); }
  // Whether files are opened here only to be verified, so that what look-ups need is left out.
  bool only_verifies() const {
    return GOROMDB_HAS(table_, hints) && (table_->hints & GOROMDB_HINT_ONLY_VERIFIES) != 0;
  }
  const char* core_version() const { return table_->core_version; }
  uint32_t counter(const char* name, const char* help) const {
    return table_->metric(table_->ctx, name, GOROMDB_METRIC_COUNTER, help);
  }
  void add(uint32_t metric, uint32_t loop, int64_t delta) const {
    table_->metric_add(table_->ctx, metric, loop, delta);
  }
  // Reports progress of a long open(); throws Failure{GOROMDB_E_CANCELLED} when the server is
  // stopping.
  void progress(uint64_t done, uint64_t total) const {
    if (GOROMDB_HAS(table_, progress) && table_->progress(table_->ctx, done, total) != 0) {
      throw Failure(GOROMDB_E_CANCELLED, "the server is stopping");
    }
  }
  void label(void* conn, std::string_view text) const {
    if (GOROMDB_HAS(table_, conn_label)) table_->conn_label(table_->ctx, conn, slice(text));
  }
  // Runs `body`, which must not throw. False: a page of a mapped file was not there any more, and
  // it was left at that instruction, without unwinding.
  template <class Body>
  bool guarded(Body&& body) const {
    using Plain = std::remove_reference_t<Body>;
    if (!GOROMDB_HAS(table_, guarded)) {
      body();
      return true;
    }
    const auto run = [](void* arg) { (*static_cast<Plain*>(arg))(); };
    return table_->guarded(table_->ctx, run, std::addressof(body)) == 0;
  }
  void* arena_alloc(goromdb_arena* arena, size_t n, size_t align = 1) const {
    return table_->arena_alloc(arena, n, align);
  }

 private:
  const goromdb_host* table_;
};

// The values of the declared options, by name. Use inside the constructor of a store or a protocol
// only.
class Options {
 public:
  Options(std::span<const goromdb_option> declared, const goromdb_option_value* values, uint32_t n)
      : declared_(declared), values_(values, n) {}

  int64_t num(std::string_view name) const { return find(name).num; }
  bool flag(std::string_view name) const { return find(name).num != 0; }
  std::string_view str(std::string_view name) const { return view(find(name).str); }
  bool is_set(std::string_view name) const { return find(name).is_set != 0; }

 private:
  const goromdb_option_value& find(std::string_view name) const {
    for (size_t i = 0; i < declared_.size() && i < values_.size(); ++i) {
      if (name == declared_[i].name) return values_[i];
    }
    throw Failure(GOROMDB_E_INTERNAL, "option " + std::string(name) + " is used but not declared");
  }

  std::span<const goromdb_option> declared_;
  std::span<const goromdb_option_value> values_;
};

// Writes a reply. Failure to get memory is remembered and reported by status().
class Writer {
 public:
  explicit Writer(goromdb_out* out) : out_(out) {}

  void put(std::string_view bytes) {
    if (bytes.empty() || !room(bytes.size())) return;
    std::memcpy(out_->cur, bytes.data(), bytes.size());
    out_->cur += bytes.size();
  }
  void put_number(uint64_t n) {
    if (room(kMaxDigits)) out_->cur = goromdb::put_number(out_->cur, n);
  }
  void put_value(const goromdb_value& v) { out_->value(out_, &v); }

  // For a run of small writes that know their bound: a cursor with room for `need` bytes, or NULL;
  // hand the advanced cursor back with commit().
  uint8_t* reserve(size_t need) { return room(need) ? out_->cur : nullptr; }
  void commit(uint8_t* cursor) { out_->cur = cursor; }

  goromdb_status status() const { return short_of_memory_ ? GOROMDB_E_NO_MEMORY : GOROMDB_OK; }

 private:
  bool room(size_t need) {
    if (static_cast<size_t>(out_->end - out_->cur) >= need) return true;
    if (out_->grow(out_, need) == 0) return true;
    short_of_memory_ = true;
    return false;
  }

  goromdb_out* out_;
  bool short_of_memory_ = false;
};

namespace sdk_detail {

inline goromdb_status fail(goromdb_error* error, goromdb_status code,
                           const char* message) noexcept {
  if (error != nullptr) {
    error->code = code;
    size_t room = error->struct_size > offsetof(goromdb_error, msg)
                      ? error->struct_size - offsetof(goromdb_error, msg)
                      : 0;
    if (room > 0) {
      size_t n = std::min(std::strlen(message), room - 1);
      std::memcpy(error->msg, message, n);
      error->msg[n] = '\0';
    }
  }
  return code;
}

// Runs `body`; what it throws becomes a status and a message.
template <class Body>
goromdb_status guarded(goromdb_error* error, Body&& body) noexcept {
  try {
    return body();
  } catch (const Failure& e) {
    return fail(error, e.code(), e.what());
  } catch (const std::bad_alloc&) {
    return fail(error, GOROMDB_E_NO_MEMORY, "out of memory");
  } catch (const std::exception& e) {
    return fail(error, GOROMDB_E_INTERNAL, e.what());
  } catch (...) {
    return fail(error, GOROMDB_E_INTERNAL, "unknown exception");
  }
}

template <class Handle, class Object>
Handle* handle(Object* object) {
  return reinterpret_cast<Handle*>(object);
}

}  // namespace sdk_detail

// The C table of the storage `Store`, whose options are declared in Store::kOptions (a std::array
// or a C array of goromdb_option).
template <class Store>
struct StorageAdapter {
  using Generation = typename decltype(std::declval<Store&>().open("", 0))::element_type;
  using Reader = typename decltype(std::declval<Generation&>().reader(0))::element_type;

  static Store* self(goromdb_store* s) noexcept { return reinterpret_cast<Store*>(s); }
  static Generation* self(goromdb_generation* g) noexcept {
    return reinterpret_cast<Generation*>(g);
  }
  static Reader* self(goromdb_reader* r) noexcept { return reinterpret_cast<Reader*>(r); }

  static goromdb_status create(const goromdb_host* host, const goromdb_option_value* values,
                               uint32_t n, goromdb_store** out, goromdb_error* error) {
    return sdk_detail::guarded(error, [&] {
      auto store = std::make_unique<Store>(Host(host), Options(Store::kOptions, values, n));
      *out = sdk_detail::handle<goromdb_store>(store.release());
      return GOROMDB_OK;
    });
  }
  static void destroy(goromdb_store* s) { delete self(s); }

  static goromdb_status open(goromdb_store* s, const char* path, uint64_t id,
                             goromdb_generation** out, goromdb_error* error) {
    return sdk_detail::guarded(error, [&] {
      *out = sdk_detail::handle<goromdb_generation>(self(s)->open(path, id).release());
      return GOROMDB_OK;
    });
  }
  static void close(goromdb_generation* g) { delete self(g); }
  // The caller may be older and its struct shorter. [TYP-1]
  static goromdb_status info(goromdb_generation* g, goromdb_generation_info* out) {
    return sdk_detail::guarded(nullptr, [&] {
      goromdb_generation_info info{};
      self(g)->info(info);
      info.struct_size = out->struct_size;
      std::memcpy(out, &info, std::min<size_t>(out->struct_size, sizeof info));
      return GOROMDB_OK;
    });
  }
  static goromdb_status reader_open(goromdb_generation* g, uint32_t loop, goromdb_reader** out,
                                    goromdb_error* error) {
    return sdk_detail::guarded(error, [&] {
      *out = sdk_detail::handle<goromdb_reader>(self(g)->reader(loop).release());
      return GOROMDB_OK;
    });
  }
  static void reader_close(goromdb_reader* r) { delete self(r); }
  static void get(goromdb_reader* r, uint32_t flags, const goromdb_key* keys, uint32_t n,
                  goromdb_value* out, goromdb_arena* arena) {
    static_assert(noexcept(self(r)->get(flags, std::span(keys, n), out, arena)));
    self(r)->get(flags, std::span(keys, n), out, arena);
  }
  static goromdb_status ns_lookup(goromdb_reader* r, goromdb_slice name, uint32_t* id) {
    return sdk_detail::guarded(nullptr, [&] { return self(r)->ns_lookup(view(name), *id); });
  }
  static goromdb_status ns_list(goromdb_reader* r, goromdb_slice after, uint32_t max,
                                goromdb_slice* names, uint32_t* got, goromdb_arena* arena,
                                goromdb_error* error) {
    return sdk_detail::guarded(error, [&] {
      *got = 0;
      return self(r)->ns_list(after_of(after), std::span(names, max), *got, arena);
    });
  }
  static goromdb_status verify(goromdb_generation* g, goromdb_error* error) {
    return sdk_detail::guarded(error, [&] {
      self(g)->verify();
      return GOROMDB_OK;
    });
  }
  static goromdb_status warm(goromdb_generation* g, uint64_t offset, uint64_t budget,
                             uint64_t* next, goromdb_error* error) {
    return sdk_detail::guarded(error, [&] { return self(g)->warm(offset, budget, *next); });
  }
  static goromdb_status memory(goromdb_generation* g, uint32_t part, goromdb_slice* out) {
    return sdk_detail::guarded(nullptr, [&] {
      const std::vector<goromdb_slice> parts = self(g)->memory();
      if (part >= parts.size()) return GOROMDB_NOT_FOUND;
      *out = parts[part];
      return GOROMDB_OK;
    });
  }

  template <class R>
  static auto cursor_type(R& reader) -> decltype(reader.cursor(0, After()));
  template <class S>
  static auto builder_type(S& store) -> decltype(store.build("", 0));

  static goromdb_status cursor_open(goromdb_reader* r, uint32_t ns, goromdb_slice after,
                                    goromdb_cursor** out, goromdb_error* error) {
    return sdk_detail::guarded(error, [&] {
      *out = sdk_detail::handle<goromdb_cursor>(self(r)->cursor(ns, after_of(after)).release());
      return GOROMDB_OK;
    });
  }
  template <class Cursor>
  static goromdb_status cursor_next(goromdb_cursor* c, uint32_t max, goromdb_key* keys,
                                    goromdb_value* values, uint32_t* got, goromdb_arena* arena,
                                    goromdb_error* error) {
    return sdk_detail::guarded(error, [&] {
      *got = 0;
      return reinterpret_cast<Cursor*>(c)->next(std::span(keys, max), values, *got, arena);
    });
  }
  template <class Cursor>
  static void cursor_close(goromdb_cursor* c) {
    delete reinterpret_cast<Cursor*>(c);
  }
  static goromdb_status ns_count(goromdb_reader* r, uint32_t ns, uint64_t* entries) {
    return sdk_detail::guarded(nullptr, [&] {
      const std::optional<uint64_t> count = self(r)->ns_count(ns);
      if (count) *entries = *count;
      return count ? GOROMDB_OK : GOROMDB_NOT_FOUND;
    });
  }
  static goromdb_status cursor_open_random(goromdb_reader* r, uint32_t ns, uint64_t random,
                                           goromdb_cursor** out, goromdb_error* error) {
    return sdk_detail::guarded(error, [&] {
      *out = sdk_detail::handle<goromdb_cursor>(self(r)->random_cursor(ns, random).release());
      return GOROMDB_OK;
    });
  }
  static goromdb_status build_open(goromdb_store* s, const char* path, uint64_t expected,
                                   goromdb_builder** out, goromdb_error* error) {
    return sdk_detail::guarded(error, [&] {
      *out = sdk_detail::handle<goromdb_builder>(self(s)->build(path, expected).release());
      return GOROMDB_OK;
    });
  }
  template <class Builder>
  static goromdb_status build_put(goromdb_builder* b, goromdb_slice ns, goromdb_slice key,
                                  goromdb_slice value, uint32_t flags, goromdb_error* error) {
    return sdk_detail::guarded(error, [&] {
      reinterpret_cast<Builder*>(b)->put(view(ns), view(key), view(value), flags);
      return GOROMDB_OK;
    });
  }
  template <class Builder>
  static goromdb_status build_finish(goromdb_builder* b, goromdb_error* error) {
    return sdk_detail::guarded(error, [&] {
      reinterpret_cast<Builder*>(b)->finish();
      return GOROMDB_OK;
    });
  }
  template <class Builder>
  static void build_close(goromdb_builder* b) {
    delete reinterpret_cast<Builder*>(b);
  }

  static goromdb_status recognise(goromdb_slice head, uint64_t size) {
    return sdk_detail::guarded(nullptr, [&] {
      return Store::recognise(view(head), size) ? GOROMDB_OK : GOROMDB_NOT_FOUND;
    });
  }

  static constexpr goromdb_storage_ops table() {
    goromdb_storage_ops ops{};
    ops.struct_size = sizeof ops;
    ops.create = create;
    ops.destroy = destroy;
    ops.open = open;
    ops.close = close;
    ops.info = info;
    ops.reader_open = reader_open;
    ops.reader_close = reader_close;
    ops.get = get;
    if constexpr (requires { Store::kTraits; }) ops.traits = Store::kTraits;
    if constexpr (requires(Reader & r, uint32_t & id) { r.ns_lookup("", id); }) {
      ops.ns_lookup = ns_lookup;
    }
    if constexpr (requires(Reader & r, std::span<goromdb_slice> names, uint32_t & got) {
                    r.ns_list(After(), names, got, nullptr);
                  }) {
      ops.ns_list = ns_list;
    }
    if constexpr (requires(Reader & r) { r.cursor(0, After()); }) {
      using Cursor = typename decltype(cursor_type(std::declval<Reader&>()))::element_type;
      ops.cursor_open = cursor_open;
      ops.cursor_next = cursor_next<Cursor>;
      ops.cursor_close = cursor_close<Cursor>;
    }
    if constexpr (requires(Reader & r) { r.ns_count(0); }) ops.ns_count = ns_count;
    if constexpr (requires(Reader & r) { r.random_cursor(0, 0); }) {
      ops.cursor_open_random = cursor_open_random;
    }
    if constexpr (requires(Store & s) { s.build("", 0); }) {
      using Builder = typename decltype(builder_type(std::declval<Store&>()))::element_type;
      ops.build_open = build_open;
      ops.build_put = build_put<Builder>;
      ops.build_finish = build_finish<Builder>;
      ops.build_close = build_close<Builder>;
    }
    if constexpr (requires { Store::recognise(std::string_view(), uint64_t{}); }) {
      ops.recognise = recognise;
    }
    if constexpr (requires(Generation & g) { g.verify(); }) ops.verify = verify;
    if constexpr (requires(Generation & g, uint64_t & next) { g.warm(0, 0, next); })
      ops.warm = warm;
    if constexpr (requires(Generation & g) { g.memory(); }) ops.memory = memory;
    return ops;
  }
};

// The C table of the protocol `Protocol`; its options are declared in Protocol::kOptions.
template <class Protocol>
struct ProtocolAdapter {
  using Conn = typename Protocol::Conn;
  static_assert(std::is_trivially_copyable_v<Conn> && std::is_trivially_destructible_v<Conn>,
                "the host zeroes a connection's state and frees it without a call");

  static const Protocol* self(void* p) noexcept { return static_cast<const Protocol*>(p); }

  static goromdb_status create(const goromdb_host* host, const goromdb_option_value* values,
                               uint32_t n, void** out, goromdb_error* error) {
    return sdk_detail::guarded(error, [&] {
      *out =
          std::make_unique<Protocol>(Host(host), Options(Protocol::kOptions, values, n)).release();
      return GOROMDB_OK;
    });
  }
  static void destroy(void* p) { delete static_cast<Protocol*>(p); }
  static goromdb_status parse(void* p, void* conn, goromdb_parse* batch) {
    static_assert(noexcept(self(p)->parse(*static_cast<Conn*>(conn), *batch)));
    return self(p)->parse(*static_cast<Conn*>(conn), *batch);
  }
  static goromdb_status reply(void* p, void* conn, const goromdb_request* request,
                              const goromdb_answer* answer, goromdb_out* out) {
    Writer writer(out);
    static_assert(noexcept(self(p)->reply(*static_cast<Conn*>(conn), *request, *answer, writer)));
    goromdb_status status = self(p)->reply(*static_cast<Conn*>(conn), *request, *answer, writer);
    return status == GOROMDB_OK ? writer.status() : status;
  }
  static goromdb_status turn_away(void* p, uint32_t reason, goromdb_out* out) {
    Writer writer(out);
    self(p)->turn_away(reason, writer);
    return writer.status();
  }
  static goromdb_status announce(void* p, void* conn, const goromdb_event* event,
                                 goromdb_out* out) {
    Writer writer(out);
    static_assert(noexcept(self(p)->announce(*static_cast<Conn*>(conn), *event, writer)));
    self(p)->announce(*static_cast<Conn*>(conn), *event, writer);
    return writer.status();
  }
  static void conn_end(void* p, void* conn) {
    static_assert(noexcept(self(p)->conn_end(*static_cast<Conn*>(conn))));
    self(p)->conn_end(*static_cast<Conn*>(conn));
  }

  static constexpr goromdb_protocol_ops table() {
    goromdb_protocol_ops ops{};
    ops.struct_size = sizeof ops;
    ops.conn_size = sizeof(Conn);
    ops.create = create;
    ops.destroy = destroy;
    ops.parse = parse;
    ops.reply = reply;
    if constexpr (requires(const Protocol& p, Writer& w) { p.turn_away(0, w); }) {
      ops.turn_away = turn_away;
    }
    if constexpr (requires(const Protocol& p, Conn& c, const goromdb_event& e, Writer& w) {
                    p.announce(c, e, w);
                  }) {
      ops.announce = announce;
    }
    if constexpr (requires(const Protocol& p, Conn& c) { p.conn_end(c); }) ops.conn_end = conn_end;
    return ops;
  }
};

}  // namespace goromdb

// The descriptor and the one exported symbol of a plugin. `Class` has kName, kDoc and kOptions.
#define GOROMDB_PLUGIN_(Class, kind_, ops_type, Adapter, storage_, protocol_)                    \
  extern "C" GOROMDB_EXPORT const goromdb_plugin* goromdb_plugin_v0(void) {                      \
    static constexpr ops_type ops = goromdb::Adapter<Class>::table();                            \
    static constexpr goromdb_plugin plugin = {GOROMDB_MAGIC,                                     \
                                              GOROMDB_ABI_MAJOR,                                 \
                                              GOROMDB_ABI_MINOR,                                 \
                                              sizeof(goromdb_plugin),                            \
                                              0,                                                 \
                                              kind_,                                             \
                                              0,                                                 \
                                              Class::kName,                                      \
                                              Class::kVersion,                                   \
                                              Class::kLicense,                                   \
                                              Class::kDoc,                                       \
                                              std::data(Class::kOptions),                        \
                                              static_cast<uint32_t>(std::size(Class::kOptions)), \
                                              sizeof(goromdb_option),                            \
                                              storage_,                                          \
                                              protocol_};                                        \
    return &plugin;                                                                              \
  }
#define GOROMDB_STORAGE_PLUGIN(Class) \
  GOROMDB_PLUGIN_(Class, GOROMDB_KIND_STORAGE, goromdb_storage_ops, StorageAdapter, &ops, nullptr)
#define GOROMDB_PROTOCOL_PLUGIN(Class)                                                          \
  GOROMDB_PLUGIN_(Class, GOROMDB_KIND_PROTOCOL, goromdb_protocol_ops, ProtocolAdapter, nullptr, \
                  &ops)
