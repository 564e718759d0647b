/* SPDX-License-Identifier: MIT
 *
 * goromdb plugin ABI, major 0: the only header that a plugin needs.
 *
 * A plugin is a shared object that exports one symbol, goromdb_plugin_v0(), which returns a
 * constant descriptor. It is a storage (opens data files, answers batches of keys) or a protocol
 * (turns bytes into requests and answers into bytes). Everything that crosses the line is C:
 * fixed-width integers, size_t and pointers. The numbers in brackets ([STO-3]) name the rules in
 * docs/abi.md.
 *
 * Major 0 promises nothing between releases; it is frozen as goromdb_plugin_v1 once two storages,
 * two protocols and HTTP fit it without a change. C11, also valid C99 and C++11.
 */
#ifndef GOROMDB_PLUGIN_H
#define GOROMDB_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GOROMDB_ABI_MAJOR 0u
#define GOROMDB_ABI_MINOR 1u
#define GOROMDB_MAGIC 0x4d4f5247u /* the bytes "GROM" in a little-endian file */
#define GOROMDB_ENTRY_NAME "goromdb_plugin_v0"

/* True when the table `t` (of its declared size) reaches past the member `m` and `m` is set.
 * [HOST-2] */
#define GOROMDB_HAS(t, m) \
  ((size_t)(t)->struct_size >= (size_t)((const char*)(&(t)->m + 1) - (const char*)(t)) && (t)->m)

/* ---- status: 0 success, above 0 a normal outcome, below 0 a failure [TYP-3] ------------------ */
typedef int32_t goromdb_status;
#define GOROMDB_OK 0
#define GOROMDB_NOT_FOUND 1
#define GOROMDB_NEED_MORE 2 /* protocol: the input ends inside a request */
#define GOROMDB_AGAIN 3     /* protocol: more room wanted, or the next slice of a walk [PRO-13] */
#define GOROMDB_END 4       /* nothing further */
#define GOROMDB_IS_NAMESPACE 5 /* asked for as a key, and a namespace bears the name [PRO-14] */
#define GOROMDB_IS_KEY 6       /* asked for as a namespace, and a key bears the name [PRO-14] */
#define GOROMDB_E_INTERNAL (-1)
#define GOROMDB_E_NO_MEMORY (-2)
#define GOROMDB_E_IO (-3)
#define GOROMDB_E_CORRUPT (-4) /* the file is not what it claims to be */
#define GOROMDB_E_CONFIG (-5)  /* an option's value cannot be used */
#define GOROMDB_E_UNSUPPORTED \
  (-6) /* a version or a feature of the format that the plugin cannot read */
#define GOROMDB_E_NOT_READY (-7) /* no data set has been loaded yet */
#define GOROMDB_E_CANCELLED (-8) /* gave up because host->progress() asked for it */
#define GOROMDB_E_TOO_BIG (-9)

/* ---- frozen records: their layout never changes within a major [TYP-2] ----------------------- */

/* Bytes. Laid out as POSIX struct iovec. Not NUL-terminated. */
typedef struct goromdb_slice {
  const void* ptr;
  size_t len;
} goromdb_slice;

typedef struct goromdb_key { /* 16 bytes */
  const void* ptr;
  uint32_t len;
  uint32_t ns; /* for a storage: id from ns_lookup, 0 = the keys without a namespace;
                  from parse(): which of the batch's scopes, counted from 1, 0 = none [PRO-12] */
} goromdb_key;

typedef struct goromdb_scope { /* 24 bytes: where some keys of a batch are looked for [PRO-12] */
  goromdb_slice name;          /* of the namespace; len 0: the keys without one */
  uint32_t database;           /* index into the listener's databases */
  uint32_t tag;                /* the protocol's own */
} goromdb_scope;

typedef struct goromdb_value { /* 32 bytes */
  const void* ptr;             /* never NULL when status is GOROMDB_OK, even for len 0 [STO-8] */
  uint32_t len;
  uint32_t flags; /* memcached client flags of the item; 0 if the format has none */
  uint64_t
      version; /* changes when the value does; 0 = the host hashes the value when asked [STO-9] */
  goromdb_status
      status; /* GOROMDB_OK, GOROMDB_NOT_FOUND or a failure: per key, never per call [STO-7] */
  uint32_t reserved; /* written 0 */
} goromdb_value;

/* On the caller's stack; the callee writes code and msg when it returns a failure. [ERR-1] */
typedef struct goromdb_error {
  uint32_t struct_size;
  goromdb_status code;
  char msg[504]; /* NUL-terminated: what is wrong, where, what to do; one line */
} goromdb_error;

/* ---- host services --------------------------------------------------------------------------- */
typedef struct goromdb_arena
    goromdb_arena; /* memory of one batch; freed when its last byte is sent */

#define GOROMDB_LOG_DEBUG 0
#define GOROMDB_LOG_INFO 1
#define GOROMDB_LOG_WARN 2
#define GOROMDB_LOG_ERROR 3

#define GOROMDB_METRIC_COUNTER 1

/* The host opens files to have them verified, in a process that serves nothing: it asks for no key
 * but by walks. */
#define GOROMDB_HINT_ONLY_VERIFIES 0x1

/* Handed to create(); valid until destroy() returns. Any thread unless it says otherwise. */
typedef struct goromdb_host {
  uint32_t struct_size;
  uint32_t abi_minor; /* the host's */
  void* ctx;          /* pass it back to every call that takes one */
  const char* core_version;
  uint32_t loop_count; /* loops are numbered 0 .. loop_count-1 */
  uint32_t threads;    /* that open() or verify() may use; 0: its own. [HOST-9] */
  int32_t (*log_enabled)(void* ctx, int32_t level);
  void (*log)(void* ctx, int32_t level, const char* msg, size_t len);
  /* Memory that lives until the batch's last byte has been sent. Aligned to `align` (a power of
   * two, at most 64). NULL when memory is short. Only inside the get() that was handed the arena.
   * [HOST-4] */
  void* (*arena_alloc)(goromdb_arena*, size_t n, size_t align);
  /* Calls fn(fn_ctx) once, on the loop of the batch, when the arena is freed. [HOST-5] */
  void (*arena_on_free)(goromdb_arena*, void (*fn)(void*), void* fn_ctx);
  /* Registers a metric, or finds the one of that name. Only inside create(). Returns its id, or
   * UINT32_MAX when there is no room, which metric_add() accepts and ignores. [HOST-6] */
  uint32_t (*metric)(void* ctx, const char* name, int32_t kind, const char* help);
  /* One addition to a number that only the loop writes. Only on the thread of `loop`. */
  void (*metric_add)(void* ctx, uint32_t metric, uint32_t loop, int64_t delta);
  /* To be called now and then by a long open(), verify() or warm(), only inside these and on their
   * thread: `done` of `total` in any unit, total 0 = unknown. Nonzero = the server is stopping:
   * clean up, return GOROMDB_E_CANCELLED. [HOST-3, HOST-7] */
  int32_t (*progress)(void* ctx, uint64_t done, uint64_t total);
  /* A later table by its name, or NULL. None exist yet. */
  const void* (*extension)(void* ctx, const char* name);
  /* Protocols: what the fact `N:label` of `connections` says of the connection with the state
   * `conn`. Copied. Only inside parse() and reply() of that connection. [HOST-8] */
  void (*conn_label)(void* ctx, void* conn, goromdb_slice label);
  /* Storages: runs fn(arg). Nonzero: it read a page of a mapped file that is not there any more and
   * was left at that instruction; nothing of it was unwound. Any thread, nested as well. [HOST-10]
   */
  int32_t (*guarded)(void* ctx, void (*fn)(void* arg), void* arg);
  uint64_t hints; /* GOROMDB_HINT_*; what a plugin does not know it ignores. [HOST-11] */
} goromdb_host;

/* ---- options: declared by the plugin, parsed and checked by the core [OPT-1] ----------------- */
#define GOROMDB_OPT_BOOL 1     /* num 0 or 1 */
#define GOROMDB_OPT_INT 2      /* num */
#define GOROMDB_OPT_SIZE 3     /* num in bytes; written 64MiB */
#define GOROMDB_OPT_DURATION 4 /* num in milliseconds; written 500ms, 5s, 2m */
#define GOROMDB_OPT_STRING 5   /* str */
#define GOROMDB_OPT_ENUM 6     /* num = index into choices, str = the choice */

typedef struct goromdb_option {
  uint32_t struct_size;
  int32_t type;
  const char* name;    /* [a-z][a-z0-9_]* */
  const char* def;     /* as a user would write it; NULL = unset */
  const char* help;    /* one line */
  const char* choices; /* "a|b|c" for GOROMDB_OPT_ENUM */
  int64_t min, max;    /* of num; both 0 = unbounded */
} goromdb_option;

typedef struct goromdb_option_value { /* frozen; one per declared option, in that order */
  int64_t num;
  goromdb_slice str; /* valid inside create() only */
  uint32_t is_set;   /* 0: neither the user nor the declaration gave a value */
  uint32_t reserved;
} goromdb_option_value;

/* ---- storage --------------------------------------------------------------------------------- */
typedef struct goromdb_store goromdb_store;           /* one configured instance */
typedef struct goromdb_generation goromdb_generation; /* one opened data file, immutable */
typedef struct goromdb_reader goromdb_reader;         /* a loop's private handle on a generation */
typedef struct goromdb_cursor goromdb_cursor;         /* a walk over a namespace's entries */
typedef struct goromdb_builder goromdb_builder;       /* a data file that is being made */

/* Values stay valid as long as the generation; without it, until the batch's arena is freed.
 * [STO-6] */
#define GOROMDB_CAP_VALUES_LIVE_WITH_GENERATION 0x1u
/* Every cursor goes in ascending bytewise order of the keys. [STO-14] */
#define GOROMDB_CAP_WALKS_SORTED 0x2u
/* Namespaces are prefixes of keys: there is one of any name, and no name is a key. [STO-12] */
#define GOROMDB_CAP_ANY_NAMESPACE 0x4u
/* Entries are read from the file as they are asked for, and not, or not all, from a mapping.
 * [STO-20] */
#define GOROMDB_CAP_READS_FILE 0x8u

/* get(): the file has been cut since it was opened; what a plugin has of it in its own memory may
 * be zeros where there was something else. [STO-20] */
#define GOROMDB_GET_DAMAGED 0x1u

#define GOROMDB_UNKNOWN UINT64_MAX

typedef struct goromdb_generation_info { /* the caller sets struct_size and zeroes the rest */
  uint32_t struct_size;
  uint32_t caps;
  uint64_t entries;        /* keys that can be got, over all namespaces; GOROMDB_UNKNOWN */
  uint64_t bytes;          /* keys and values; GOROMDB_UNKNOWN */
  uint64_t resident_bytes; /* memory that the generation holds; GOROMDB_UNKNOWN */
  uint32_t namespaces;     /* named ones; UINT32_MAX = unknown */
  uint32_t reserved;
  uint64_t largest_key, largest_value; /* bytes; both 0 = not known, or nothing but empty ones */
} goromdb_generation_info;

/* Whatever bytes a file holds, no operation on it crashes, hangs or reads outside it. [STO-13] */
#define GOROMDB_TRAIT_BOUNDS_CHECKED 0x1u
/* build_put() takes entries in ascending order of (namespace, key), bytewise, only. [STO-15] */
#define GOROMDB_TRAIT_BUILDS_SORTED 0x2u

typedef struct goromdb_storage_ops {
  uint32_t struct_size;
  uint32_t traits; /* GOROMDB_TRAIT_*; unknown bits mean nothing */
  /* Required. create, destroy, open, info, verify, warm, reader_open and close are called on the
   * main thread or a worker, never on a loop; calls on one store never overlap. [STO-1] */
  goromdb_status (*create)(const goromdb_host*, const goromdb_option_value*, uint32_t n,
                           goromdb_store**, goromdb_error*);
  void (*destroy)(goromdb_store*); /* after every generation has been closed */
  /* Opens the file read-only; it must not write, lock or create anything beside it. Older
   * generations stay open and are being read meanwhile. [STO-2] */
  goromdb_status (*open)(goromdb_store*, const char* path, uint64_t generation_id,
                         goromdb_generation**, goromdb_error*);
  void (*close)(goromdb_generation*); /* after every reader has been closed [STO-3] */
  goromdb_status (*info)(goromdb_generation*, goromdb_generation_info*);
  /* One per loop, before the generation is adopted. Used and closed only on the loop's thread.
   * [STO-4] */
  goromdb_status (*reader_open)(goromdb_generation*, uint32_t loop, goromdb_reader**,
                                goromdb_error*);
  void (*reader_close)(goromdb_reader*);
  /* Answers n >= 1 keys in order; must not block on locks, must not throw. Keys are valid during
   * the call only. [STO-5] */
  void (*get)(goromdb_reader*, uint32_t flags, const goromdb_key* keys, uint32_t n,
              goromdb_value* out, goromdb_arena*);
  /* Optional, as all that follow. Absent: the format has no namespaces. On the reader's thread. The
   * id is good until the reader's next get() or cursor_open() has returned. [STO-12] */
  goromdb_status (*ns_lookup)(goromdb_reader*, goromdb_slice name, uint32_t* id);
  /* At most `max` names of namespaces that come after `after` (ptr NULL: from the first), in an
   * order of the storage's own. GOROMDB_END: there are no more behind these. [STO-12] */
  goromdb_status (*ns_list)(goromdb_reader*, goromdb_slice after, uint32_t max,
                            goromdb_slice* names, uint32_t* got, goromdb_arena*, goromdb_error*);
  /* Walks the whole file, after open. Absent: open() proved the file whole. [STO-10] */
  goromdb_status (*verify)(goromdb_generation*, goromdb_error*);
  /* Brings at most `budget` bytes from `offset` into memory; *next = where to go on. GOROMDB_END
   * when done. Absent: nothing to warm. [STO-11] */
  goromdb_status (*warm)(goromdb_generation*, uint64_t offset, uint64_t budget, uint64_t* next,
                         goromdb_error*);
  /* A walk over the entries of a namespace, each once, in an order of the storage's own, from the
   * one behind the key `after` (ptr NULL: from the first; else a key that is there). On the
   * reader's thread, like next and close; closed before the reader. [STO-14] */
  goromdb_status (*cursor_open)(goromdb_reader*, uint32_t ns, goromdb_slice after, goromdb_cursor**,
                                goromdb_error*);
  /* At most `max` entries, borrowed as those of get(). GOROMDB_END: there are no more behind
   * these; GOROMDB_OK: at least one was given. */
  goromdb_status (*cursor_next)(goromdb_cursor*, uint32_t max, goromdb_key* keys,
                                goromdb_value* values, uint32_t* got, goromdb_arena*,
                                goromdb_error*);
  void (*cursor_close)(goromdb_cursor*);
  /* Makes a data file at `path`, where there is none: the caller syncs and renames it. `expected`
   * entries, or GOROMDB_UNKNOWN. Main thread or a worker. [STO-15] */
  goromdb_status (*build_open)(goromdb_store*, const char* path, uint64_t expected,
                               goromdb_builder**, goromdb_error*);
  goromdb_status (*build_put)(goromdb_builder*, goromdb_slice ns, goromdb_slice key,
                              goromdb_slice value, uint32_t flags, goromdb_error*);
  goromdb_status (*build_finish)(goromdb_builder*, goromdb_error*); /* once, after the last put */
  void (*build_close)(goromdb_builder*); /* without build_finish(): what was written is useless */
  /* Whether a file of `size` bytes that begins with `head` (4096 bytes, or all) looks like one of
   * this format: GOROMDB_OK or GOROMDB_NOT_FOUND. Any thread, before create() too. Absent: the
   * storage reads such files only when it is named. [STO-16] */
  goromdb_status (*recognise)(goromdb_slice head, uint64_t size);
  /* The entries of a namespace where that takes no walk, else GOROMDB_NOT_FOUND. On the reader's
   * thread. [STO-17] */
  goromdb_status (*ns_count)(goromdb_reader*, uint32_t ns, uint64_t* entries);
  /* As cursor_open() from the front, but the walk begins at an entry that `random`, any 64 bits,
   * chooses, each about as likely, and ends with the last: what came before it is not given.
   * [STO-18] */
  goromdb_status (*cursor_open_random)(goromdb_reader*, uint32_t ns, uint64_t random,
                                       goromdb_cursor**, goromdb_error*);
  /* The memory that look-ups of the generation read, its mapped file as well: part 0, 1, ... until
   * GOROMDB_NOT_FOUND. Once its readers are open. Absent: the host can neither populate nor lock
   * it. [STO-19] */
  goromdb_status (*memory)(goromdb_generation*, uint32_t part, goromdb_slice*);
} goromdb_storage_ops;

/* ---- protocol -------------------------------------------------------------------------------- */
#define GOROMDB_OP_GET 1     /* values of the keys */
#define GOROMDB_OP_LOCAL 2   /* the plugin answers alone: version, errors */
#define GOROMDB_OP_REFUSED 3 /* a write: the plugin words the refusal, the core counts it */
#define GOROMDB_OP_STATS 4   /* facts about the server; arg names the section [PRO-9] */
#define GOROMDB_OP_STATS_RESET 5
#define GOROMDB_OP_CLOSE 6 /* reply() may say something; then the connection is closed */
#define GOROMDB_OP_WALK 7  /* entries of a namespace, or how many there are [PRO-13] */

/* request.flags */
#define GOROMDB_WANT_VERSION 0x1u /* GET, WALK: the core fills value.version where it is 0 */
#define GOROMDB_WANT_KIND 0x2u    /* GET, WALK: tell keys from namespaces [PRO-14] */
/* WALK [PRO-13] */
#define GOROMDB_WALK_NAMESPACES 0x10u /* names of namespaces come first */
#define GOROMDB_WALK_COUNT 0x20u      /* answer.total is filled */
#define GOROMDB_WALK_POSITION 0x40u   /* answer.position is filled */
#define GOROMDB_WALK_RANDOM 0x80u     /* begin anywhere, go round at the end */
#define GOROMDB_WALK_FROM 0x100u      /* begin at the request's one key */

typedef struct goromdb_request { /* frozen, 64 bytes; parse() writes, reply() reads */
  uint32_t op;
  uint32_t flags;
  uint32_t first_key, nkeys; /* into the batch's key array */
  uint64_t tag[2];           /* the plugin's own: verb, opaque, noreply */
  goromdb_slice arg;         /* points into the input or at static memory; WALK: the namespace */
  uint32_t database;         /* index into the listener's databases */
  uint32_t count;            /* WALK: how many entries are wanted at once */
  uint64_t position;         /* WALK: 0 = from the front, else an answer's position */
} goromdb_request;

/* One call parses as many complete requests as there is input and room for. [PRO-2] */
typedef struct goromdb_parse {
  uint32_t struct_size;
  uint32_t loop;
  uint32_t databases; /* how many the listener has */
  uint32_t reserved;
  const uint8_t* in; /* stays in place until the batch's last reply() has returned */
  size_t in_len;
  goromdb_key* keys;
  uint32_t key_cap, key_len; /* key_len: out */
  goromdb_request* reqs;
  uint32_t req_cap, req_len; /* req_len: out */
  size_t consumed;           /* out: bytes that need not be shown again */
  uint32_t want_keys;        /* out, with GOROMDB_AGAIN: slots that the next request needs */
  uint32_t scope_len;        /* out: of scopes */
  goromdb_scope* scopes;     /* room for key_cap of them */
  const goromdb_slice* database_names; /* by index; valid as long as the process */
  uint32_t want_reqs; /* out, with GOROMDB_AGAIN: slots for requests that are needed [PRO-3] */
  uint32_t reserved1;
  uint64_t connection; /* the connection's number, from 1, its own as long as the process */
} goromdb_parse;

/* Where a reply goes: literals are written to [cur, end), cur is advanced. [PRO-7] */
typedef struct goromdb_out goromdb_out;
struct goromdb_out { /* frozen, 32 bytes */
  uint8_t *cur, *end;
  /* Makes end - cur >= need. 0 on success; -1 when memory is short (return GOROMDB_E_NO_MEMORY). */
  int32_t (*grow)(goromdb_out*, size_t need);
  /* Appends the value's bytes; the host decides whether to copy or to reference them. */
  void (*value)(goromdb_out*, const goromdb_value*);
};

typedef struct goromdb_answer {
  uint32_t struct_size;
  goromdb_status status; /* GOROMDB_OK, or why there are no values: GOROMDB_E_NOT_READY, ... */
  const goromdb_key* keys;
  const goromdb_value* values; /* n of them for GOROMDB_OP_GET */
  uint32_t n;
  uint32_t loop;
  uint64_t generation;        /* that answered; 0 = none */
  const goromdb_slice* pairs; /* GOROMDB_OP_STATS: name, value, name, value, ... */
  uint32_t npairs;            /* slices, not pairs: always even */
  uint32_t reserved;
  const goromdb_scope* scopes; /* of the batch, as parse() wrote them */
  uint64_t elapsed_us;         /* since the batch was parsed: what its look-ups took */
  uint64_t position;           /* WALK: where to go on, 0 = it is at its end [PRO-13] */
  uint64_t total;              /* WALK: entries of the whole walk */
} goromdb_answer;

#define GOROMDB_EVENT_ADOPTED 1 /* the loop reads from a new generation */

typedef struct goromdb_event {
  uint32_t struct_size;
  uint32_t kind;
  uint32_t database; /* index into the listener's databases */
  uint32_t loop;
  uint64_t generation;
  goromdb_slice database_name;
} goromdb_event;

#define GOROMDB_TURNED_AWAY_FULL 1 /* max_connections has been reached */

typedef struct goromdb_protocol_ops {
  uint32_t struct_size;
  uint32_t conn_size; /* bytes of state per connection; the host allocates, zeroes, aligns to 16 */
  /* Required. create and destroy on the main thread; parse and reply on the connection's loop, with
   * `self` shared by all loops and never written after create. [PRO-1] */
  goromdb_status (*create)(const goromdb_host*, const goromdb_option_value*, uint32_t n,
                           void** self, goromdb_error*);
  void (*destroy)(void* self);
  /* GOROMDB_OK: look again, there may be more. GOROMDB_NEED_MORE: the input is used up or ends
   * inside a request. GOROMDB_AGAIN: the next request alone needs want_keys slots. [PRO-3] */
  goromdb_status (*parse)(void* self, void* conn, goromdb_parse*);
  /* Once per request, in order. Depends on its arguments only. [PRO-6] */
  goromdb_status (*reply)(void* self, void* conn, const goromdb_request*, const goromdb_answer*,
                          goromdb_out*);
  /* Optional: what a connection is told that is closed at once; absent: nothing. [PRO-10] */
  goromdb_status (*turn_away)(void* self, uint32_t reason, goromdb_out*);
  /* Optional: an event that the connection was not asked about; what is written is sent between two
   * replies. On the connection's loop. [PRO-15] */
  goromdb_status (*announce)(void* self, void* conn, const goromdb_event*, goromdb_out*);
  /* Optional: the connection has ended; frees what its state points to. On its loop. [PRO-1] */
  void (*conn_end)(void* self, void* conn);
} goromdb_protocol_ops;

/* ---- descriptor ------------------------------------------------------------------------------ */
#define GOROMDB_KIND_STORAGE 1
#define GOROMDB_KIND_PROTOCOL 2

typedef struct goromdb_plugin {
  uint32_t magic; /* the first 16 bytes are frozen for all majors */
  uint16_t abi_major, abi_minor;
  uint32_t struct_size;
  uint16_t min_host_minor; /* a host older than this refuses the plugin with a sentence [LOAD-4] */
  uint16_t kind;
  uint64_t must_understand; /* feature bits; an unknown bit refuses the plugin [LOAD-5] */
  const char* name;         /* as in the file name: storage-NAME.so, proto-NAME.so */
  const char *version, *license, *doc; /* doc: one line */
  const goromdb_option* options;
  uint32_t option_count, option_stride; /* stride: sizeof(goromdb_option) of the plugin's header */
  const goromdb_storage_ops* storage;
  const goromdb_protocol_ops* protocol;
} goromdb_plugin;

#if defined(__GNUC__)
#define GOROMDB_EXPORT __attribute__((visibility("default")))
#else
#define GOROMDB_EXPORT
#endif

/* The one exported symbol: no side effects, the same pointer every time. [LOAD-1] */
GOROMDB_EXPORT const goromdb_plugin* goromdb_plugin_v0(void);

#ifdef __cplusplus
}
#endif
#endif
