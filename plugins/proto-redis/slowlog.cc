// SPDX-License-Identifier: MIT
#include "slowlog.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "client_facts.h"
#include "facts.h"
#include "numbers.h"
#include "server_commands.h"

namespace goromdb::redis {

namespace {

constexpr uint32_t kMostWords = 32;
constexpr size_t kSlowlogBytes = 128;

std::string cut(std::string_view word) {
  std::string text(word.substr(0, kSlowlogBytes));
  if (word.size() > kSlowlogBytes) {
    text += "... (" + std::to_string(word.size() - kSlowlogBytes) + " more bytes)";
  }
  return text;
}

// The bulk string that ends before `at`, which is `name` in whatever case; moves `at` before it.
// Without a place: the name.
std::string_view word_before(const uint8_t*& at, std::string_view name) {
  if (at == nullptr) return name;
  const uint8_t* word = at - 2 - name.size();
  for (at = word - 2; *at != '$';) --at;
  return {reinterpret_cast<const char*>(word), name.size()};
}

}  // namespace

void SlowLog::add(Entry entry) {
  std::lock_guard lock(mutex_);
  entry.id = next_id_++;
  entries_.push_front(std::move(entry));
  if (entries_.size() > kLength) entries_.pop_back();
}

std::vector<SlowLog::Entry> SlowLog::latest(size_t most) const {
  std::lock_guard lock(mutex_);
  const auto count = static_cast<std::ptrdiff_t>(std::min(most, entries_.size()));
  return {entries_.begin(), entries_.begin() + count};
}

size_t SlowLog::length() const {
  std::lock_guard lock(mutex_);
  return entries_.size();
}

void SlowLog::reset() {
  std::lock_guard lock(mutex_);
  entries_.clear();
}

std::vector<std::string> slow_arguments(uint16_t command, Args args) {
  std::vector<std::string> words;
  const uint8_t* at = args.at();
  words.emplace_back(word_before(at, command_at(command).name));
  if (const Command* container = container_of(command)) {
    words.emplace(words.begin(), word_before(at, container->name));
  }
  const std::string_view name = command_at(command).name;
  const bool secret = name == "auth" || name == "hello";
  const auto total = static_cast<uint32_t>(words.size()) + args.left();
  const uint32_t shown = total > kMostWords ? kMostWords - 1 : total;
  while (words.size() < shown) {
    const std::string_view word = args.next();
    words.push_back(secret ? "(redacted)" : cut(word));
  }
  if (total > kMostWords) {
    words.push_back("... (" + std::to_string(total - shown) + " more arguments)");
  }
  return words;
}

goromdb_status write_slowlog_get(Reply& reply) {
  Args args = reply.args();
  if (args.left() > 1) return write_wrong_subcommand_arguments(reply, "GET");
  size_t most = 10;
  if (args.left() == 1) {
    const auto count = integer(args.next());
    if (!count || *count < -1) {
      reply.out.error("ERR count should be greater than or equal to -1");
      return GOROMDB_OK;
    }
    most = *count == -1 ? SlowLog::kLength
                        : static_cast<size_t>(std::min<int64_t>(*count, SlowLog::kLength));
  }
  // An entry holds its connection's number; the address is known as long as the connection is.
  std::unordered_map<uint64_t, std::string> addresses;
  for (const Facts& connection : Facts(reply.answer).numbered()) {
    addresses.emplace(connection.number("id"), client_address(connection.text("addr")));
  }
  const std::vector<SlowLog::Entry> entries = reply.server.slow_log.latest(most);
  Resp& out = reply.out;
  out.array(entries.size());
  for (const SlowLog::Entry& entry : entries) {
    out.array(6);
    out.integer(entry.id);
    out.integer(entry.time_s);
    out.integer(entry.elapsed_us);
    out.array(entry.arguments.size());
    for (const std::string& argument : entry.arguments) out.bulk(argument);
    const auto address = addresses.find(entry.connection);
    out.bulk(address == addresses.end() ? std::string_view("") : address->second);
    out.bulk(entry.client);
  }
  return GOROMDB_OK;
}

goromdb_status write_slowlog_len(Reply& reply) {
  reply.out.integer(static_cast<int64_t>(reply.server.slow_log.length()));
  return GOROMDB_OK;
}

goromdb_status write_slowlog_reset(Reply& reply) {
  reply.server.slow_log.reset();
  reply.out.ok();
  return GOROMDB_OK;
}

}  // namespace goromdb::redis
