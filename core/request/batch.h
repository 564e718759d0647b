// SPDX-License-Identifier: MIT
// The requests of one read: parsed together, looked up together, answered in order. One a loop.
//
// Reads of a few keys wait for the other connections that the same turn of the loop brings: their
// keys are looked up together, so that one key's cache misses pass while the others' are on their
// way. Each read is a part of the batch then.
#pragma once

#include <goromdb/plugin.h>

#include <array>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/request/key_sampler.h"
#include "core/request/outbox.h"

namespace goromdb {

class Connection;
class Loop;
struct Listening;
struct LoopView;
class Walk;

// Whose requests a batch holds.
struct Client {
  const Listening& listening;
  void* state;                   // the protocol's
  const Connection* connection;  // NULL in tests
  uint64_t number;               // of the connection
};

class Batch {
 public:
  explicit Batch(Loop& loop);
  ~Batch();

  struct Parsed {
    goromdb_status status;
    size_t consumed;
  };
  // Makes a part of the complete requests at the start of the input, behind the parts that wait.
  Parsed parse(const Client& client, const uint8_t* in, size_t in_len);
  bool empty() const { return part_.requests == 0; }

  enum class Answered {
    kAll,
    kClose,   // close the connection when `out` has been sent
    kWalking  // the last request is a walk that goes on: take_walk()
  };
  // Looks up the keys of the part that was parsed last, and writes the replies.
  Answered answer(const Client& client, Outbox& out);
  uint64_t began_ns() const { return began_ns_; }  // of the latest answer(), uv_hrtime()'s

  // Whether the part that was parsed last has little to do, all of it for one data set.
  bool may_wait(const Listening& listening) const;
  // Keeps that part, and the input that its keys lie in must stay, until forget_waiting(). True:
  // no more should wait.
  bool wait(const Client& client);
  // The keys of all that wait; then each is answered, in the order in which they came.
  void look_up_waiting();
  Answered answer_waiting(size_t index, Outbox& out);
  void forget_waiting() { waiting_.clear(); }
  // Those that wait, and whose keys were looked up in a file that has been cut since, are looked up
  // anew.
  void forget_lost();

  // Its view is not pinned yet.
  std::unique_ptr<Walk> take_walk();
  // The next slice of a walk that was taken.
  Answered walk_on(const Client& client, Walk& walk, Outbox& out);

 private:
  static constexpr uint32_t kRequests = 512, kKeys = 1024;
  // A part of more keys has misses enough of its own to overlap. docs/architecture.md
  static constexpr uint32_t kFewKeys = 32, kMostWaiting = 16;
  // A protocol bounds the keys of a request itself, and the requests of a batch; these bound one
  // that does not.
  static constexpr uint32_t kMaxKeys = 1u << 20, kMaxRequests = 1u << 20;

  // A stretch of requests_ and of keys_ and values_. A request's first_key counts from first_key.
  struct Part {
    uint32_t first_request = 0, requests = 0, first_key = 0, keys = 0;
  };
  struct Waiting {
    Client client;
    Part part;
    LoopView* view = nullptr;  // where its keys have been looked up
  };
  std::span<const goromdb_request> requests() const {
    return {requests_.data() + part_.first_request, part_.requests};
  }
  goromdb_key* keys() { return keys_.data() + part_.first_key; }
  goromdb_value* values() { return values_.data() + part_.first_key; }

  void look_up(const Listening& listening, Outbox& out);
  void fill_wants(const Listening& listening, Outbox& out);
  void look_up_stretch(LoopView& view, std::span<Waiting> parts);
  Answered reply(const Client& client, Outbox& out);
  void look_up_scoped(const Listening& listening, Outbox& out);
  void read_wanted(LoopView* view, Outbox& out);
  // Reads `n` keys that lie together.
  void read(LoopView* view, const goromdb_key* keys, goromdb_value* values, uint32_t n,
            Outbox& out);
  bool count(const goromdb_value* values, uint32_t n);  // true: some are failures
  void fill_versions(const goromdb_request& request);
  void fill_kinds(const Listening& listening, const goromdb_request& request, Outbox& out);
  Answered answer_walk(const Client& client, const goromdb_request& request, bool is_last,
                       Outbox& out);
  goromdb_answer blank_answer(const LoopView* view) const;
  uint64_t version_of(const goromdb_value& value);

  Loop& loop_;
  KeySampler sampler_;
  std::vector<goromdb_request> requests_;
  std::vector<goromdb_key> keys_;
  std::vector<goromdb_value> values_;
  Part part_;  // the one that is being parsed or answered
  std::vector<Waiting> waiting_;
  goromdb_arena waiting_arena_;
  uint32_t scope_count_ = 0;  // of the part that was parsed last; those that wait have none

  std::vector<goromdb_scope> scopes_;
  std::unique_ptr<Walk> walk_;  // the one that is being answered, or goes on
  uint64_t began_ns_ = 0, elapsed_us_ = 0;
  uint64_t walked_ = 0;  // entries that the walks of this batch have looked at

  // Of a batch whose keys are looked for in several databases or namespaces. [PRO-12]
  struct Place {
    LoopView* view;
    uint32_t ns;
    goromdb_status status;
  };
  struct Wanted {
    Place place;
    uint32_t key;  // which of the part
  };
  Place place_of(const Listening& listening, const goromdb_scope& scope);
  std::vector<Place> places_;  // of each scope
  std::vector<Wanted> wanted_;
  std::vector<goromdb_key> gathered_keys_;  // what one storage is handed
  std::vector<goromdb_value> gathered_values_;

  // Large values whose versions have been computed in this batch: asking for one value a thousand
  // times hashes it once.
  struct Hashed {
    const void* ptr;
    uint32_t len;
    uint64_t version;
  };
  std::array<Hashed, 64> hashed_{};
  std::vector<std::string> facts_;
  std::vector<goromdb_slice> pairs_;
};

}  // namespace goromdb
