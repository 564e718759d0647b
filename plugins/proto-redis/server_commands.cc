// SPDX-License-Identifier: MIT
#include "server_commands.h"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <initializer_list>
#include <random>

#include "command_names.h"
#include "facts.h"
#include "numbers.h"
#include "replies.h"

namespace goromdb::redis {

namespace {

goromdb_status say(Reply& reply, std::string_view error) {
  reply.out.error(error);
  return GOROMDB_OK;
}

std::string not_enabled(std::string_view command, std::string_view option) {
  return "ERR " + std::string(command) + " command not allowed. If the " + std::string(option) +
         " option is set to \"local\", you can run it from a local connection, otherwise you need "
         "to set this option in the configuration file, and then restart the server.";
}

// The command that a line names, or kNoCommand. `args` are left behind the names.
uint16_t look_up(Args& args) {
  const uint16_t command = find_command(args.next());
  if (command == kNoCommand || command_at(command).subcommands.empty() || args.left() == 0) {
    return command;
  }
  return find_subcommand(command, args.next());
}

void number(Resp& out, double n) {
  char text[40];
  const int length = std::snprintf(text, sizeof text, "%.17g", n);
  const std::string_view digits(text, static_cast<size_t>(length));
  if (!out.three()) return out.bulk(digits);
  out.raw(",");
  out.raw(digits);
  out.raw("\r\n");
}

void pair(Resp& out, std::string_view name, uint64_t value) {
  out.bulk(name);
  out.integer(static_cast<int64_t>(value));
}

void ratio(Resp& out, std::string_view name, uint64_t part, uint64_t whole, double factor) {
  out.bulk(name);
  number(out, whole == 0 ? 0 : factor * static_cast<double>(part) / static_cast<double>(whole));
}

}  // namespace

std::string one_line(std::string text) {
  std::ranges::replace_if(
      text, [](char byte) { return byte == '\r' || byte == '\n'; }, ' ');
  return text;
}

std::string random_digits(size_t count) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::random_device source;
  std::string digits(count, '0');
  for (char& digit : digits) digit = kDigits[source() % 16];
  return digits;
}

goromdb_status write_wrong_subcommand_arguments(Reply& reply, std::string_view subcommand) {
  std::string container(container_of(reply.tag.command)->name);
  for (char& letter : container) letter = to_upper(letter);
  return say(reply, "ERR unknown subcommand or wrong number of arguments for '" +
                        std::string(subcommand) + "'. Try " + container + " HELP.");
}

goromdb_status write_not_allowed(Reply& reply) { return say(reply, kNotAllowed); }

goromdb_status write_no_elements(Reply& reply) {
  reply.out.array(0);
  return GOROMDB_OK;
}

goromdb_status write_acl_cat(Reply& reply) {
  Args args = reply.args();
  Resp& out = reply.out;
  if (args.left() > 1) return write_wrong_subcommand_arguments(reply, "CAT");
  if (args.left() == 0) {
    out.array(category_names().size());
    for (std::string_view name : category_names()) out.bulk(name);
    return GOROMDB_OK;
  }
  const std::string_view wanted = args.next();
  const uint32_t category = category_of(wanted);
  if (category == 0) {
    return say(reply, one_line("ERR Unknown category '" + std::string(wanted) + "'"));
  }
  std::vector<std::string> names;
  for_each_row([&](uint16_t id, const Command& command) {
    if ((command.categories & category) != 0) names.push_back(full_name(id));
  });
  out.array(names.size());
  for (const std::string& name : names) out.bulk(name);
  return GOROMDB_OK;
}

goromdb_status write_acl_dryrun(Reply& reply) {
  Args args = reply.args();
  const std::string_view user = args.next();
  if (user != "default") {
    return say(reply, one_line("ERR User '" + std::string(user) + "' not found"));
  }
  const std::string_view name = args.peek();
  const uint32_t words = args.left();
  const uint16_t id = look_up(args);
  if (id == kNoCommand) {
    return say(reply, one_line("ERR Command '" + std::string(name) + "' not found"));
  }
  if (!takes(command_at(id), words)) {
    return say(reply, "ERR wrong number of arguments for '" + full_name(id) + "' command");
  }
  reply.out.ok();
  return GOROMDB_OK;
}

goromdb_status write_acl_genpass(Reply& reply) {
  constexpr int64_t kMostBits = 4096, kBitsADigit = 4;
  Args args = reply.args();
  if (args.left() > 1) return write_wrong_subcommand_arguments(reply, "GENPASS");
  int64_t bits = 256;
  if (args.left() == 1) {
    const auto wanted = integer(args.next());
    if (!wanted) return say(reply, kNotAnInteger);
    bits = *wanted;
  }
  if (bits <= 0 || bits > kMostBits) {
    return say(reply,
               "ERR ACL GENPASS argument must be the number of bits for the output password, a "
               "positive number up to 4096");
  }
  reply.out.bulk(random_digits(static_cast<size_t>((bits + kBitsADigit - 1) / kBitsADigit)));
  return GOROMDB_OK;
}

// A password's hash is nobody's business.
goromdb_status write_acl_getuser(Reply& reply) {
  Resp& out = reply.out;
  if (reply.args().next() != "default") {
    out.null();
    return GOROMDB_OK;
  }
  const bool open = reply.server.settings.password.empty();
  out.map(6);
  out.bulk("flags");
  out.set(open ? 2 : 1);
  out.bulk("on");
  if (open) out.bulk("nopass");
  out.bulk("passwords");
  out.array(0);
  out.bulk("commands");
  out.bulk("+@all");
  out.bulk("keys");
  out.bulk("~*");
  out.bulk("channels");
  out.bulk("&*");
  out.bulk("selectors");
  out.array(0);
  return GOROMDB_OK;
}

goromdb_status write_acl_list(Reply& reply) {
  const bool open = reply.server.settings.password.empty();
  reply.out.array(1);
  reply.out.bulk(open ? "user default on nopass ~* &* +@all" : "user default on ~* &* +@all");
  return GOROMDB_OK;
}

goromdb_status write_acl_log(Reply& reply) {
  Args args = reply.args();
  if (args.left() > 1) return write_wrong_subcommand_arguments(reply, "LOG");
  if (args.left() == 1) {
    const std::string_view word = args.next();
    if (is_word(word, "reset")) {
      reply.out.ok();
      return GOROMDB_OK;
    }
    if (!integer(word)) return say(reply, kNotAnInteger);
  }
  return write_no_elements(reply);
}

goromdb_status write_acl_no_file(Reply& reply) {
  return say(reply,
             "ERR This Redis instance is not configured to use an ACL file. You may want to "
             "specify users via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming "
             "you have a Redis configuration file set) in order to store users in the Redis "
             "configuration.");
}

goromdb_status write_acl_users(Reply& reply) {
  reply.out.array(1);
  reply.out.bulk("default");
  return GOROMDB_OK;
}

goromdb_status write_acl_whoami(Reply& reply) {
  reply.out.bulk("default");
  return GOROMDB_OK;
}

goromdb_status write_debug(Reply& reply) {
  return say(reply, not_enabled("DEBUG", "enable-debug-command"));
}

goromdb_status write_module_not_allowed(Reply& reply) {
  return say(reply, not_enabled("MODULE", "enable-module-command"));
}

goromdb_status write_failover(Reply& reply) {
  bool abort = false;
  for (Args args = reply.args(); args.left() > 0;) {
    const std::string_view option = args.next();
    if (is_word(option, "to") && args.left() >= 2) {
      args.skip(2);
    } else if (is_word(option, "timeout") && args.left() >= 1) {
      args.skip(1);
    } else if (is_word(option, "abort")) {
      abort = true;
    } else if (!is_word(option, "force")) {
      return say(reply, kSyntaxError);
    }
  }
  return say(reply,
             abort ? "ERR No failover in progress." : "ERR FAILOVER requires connected replicas.");
}

goromdb_status write_lastsave(Reply& reply) {
  const Facts facts(reply.answer);
  uint64_t loaded_at_s = facts.number("generation_loaded_at_s");
  if (loaded_at_s == 0) loaded_at_s = facts.number("time_s") - facts.number("uptime_s");
  reply.out.integer(static_cast<int64_t>(loaded_at_s));
  return GOROMDB_OK;
}

goromdb_status write_latency_doctor(Reply& reply) {
  reply.out.verbatim(
      "Latency is not watched here. SLOWLOG GET shows the requests that took long.\n");
  return GOROMDB_OK;
}

goromdb_status write_latency_graph(Reply& reply) {
  return say(reply, one_line("ERR No samples available for event '" +
                             std::string(reply.args().next()) + "'"));
}

goromdb_status write_latency_histogram(Reply& reply) {
  reply.out.map(0);
  return GOROMDB_OK;
}

goromdb_status write_latency_reset(Reply& reply) {
  reply.out.integer(0);
  return GOROMDB_OK;
}

goromdb_status write_lolwut(Reply& reply) {
  Args args = reply.args();
  if (args.left() >= 2 && is_word(args.next(), "version") && !integer(args.next())) {
    return say(reply, kNotAnInteger);
  }
  reply.out.verbatim("goromdb " + std::string(reply.server.host.core_version()) + ", Redis ver. " +
                     std::string(kRedisVersion) + "\n");
  return GOROMDB_OK;
}

goromdb_status write_memory_doctor(Reply& reply) {
  reply.out.verbatim(
      "Nothing to say: no key is ever evicted, and what the data files take is up to the "
      "system.\n");
  return GOROMDB_OK;
}

goromdb_status write_memory_malloc_stats(Reply& reply) {
  reply.out.verbatim("Stats not supported for the current allocator");
  return GOROMDB_OK;
}

goromdb_status write_memory_stats(Reply& reply) {
  const Facts facts(reply.answer);
  const std::vector<Facts> databases = facts.numbered();
  const uint64_t used = facts.number("resident_bytes");
  const uint64_t peak = std::max(used, facts.number("peak_resident_bytes"));
  uint64_t data = 0, keys = 0, ready = 0;
  for (const Facts& database : databases) {
    data += database.number("resident_bytes");
    keys += keys_of_database(database);
    if (database.number("ready") != 0) ++ready;
  }
  data = std::min(data, used);
  Resp& out = reply.out;
  out.map(27 + ready);
  pair(out, "peak.allocated", peak);
  pair(out, "total.allocated", used);
  for (std::string_view name :
       {"startup.allocated", "replication.backlog", "clients.slaves", "clients.normal",
        "cluster.links", "aof.buffer", "lua.caches", "functions.caches"}) {
    pair(out, name, 0);
  }
  for (size_t i = 0; i < databases.size(); ++i) {
    if (databases[i].number("ready") == 0) continue;
    out.bulk("db." + std::to_string(i));
    out.map(3);
    pair(out, "overhead.hashtable.main", 0);
    pair(out, "overhead.hashtable.expires", 0);
    pair(out, "overhead.hashtable.slot-to-keys", 0);
  }
  pair(out, "overhead.total", used - data);
  pair(out, "keys.count", keys);
  pair(out, "keys.bytes-per-key", keys == 0 ? 0 : data / keys);
  pair(out, "dataset.bytes", data);
  ratio(out, "dataset.percentage", data, used, 100);
  ratio(out, "peak.percentage", used, peak, 100);
  pair(out, "allocator.allocated", used);
  pair(out, "allocator.active", used);
  pair(out, "allocator.resident", used);
  ratio(out, "allocator-fragmentation.ratio", 1, 1, 1);
  pair(out, "allocator-fragmentation.bytes", 0);
  ratio(out, "allocator-rss.ratio", 1, 1, 1);
  pair(out, "allocator-rss.bytes", 0);
  ratio(out, "rss-overhead.ratio", 1, 1, 1);
  pair(out, "rss-overhead.bytes", 0);
  ratio(out, "fragmentation", 1, 1, 1);
  pair(out, "fragmentation.bytes", 0);
  return GOROMDB_OK;
}

goromdb_status write_role(Reply& reply) {
  Resp& out = reply.out;
  if (reply.server.settings.role == "replica") {
    out.array(5);
    out.bulk("slave");
    out.bulk("none");
    out.integer(0);
    out.bulk("connected");
    out.integer(0);
    return GOROMDB_OK;
  }
  out.array(3);
  out.bulk("master");
  out.integer(0);
  out.array(0);
  return GOROMDB_OK;
}

goromdb_status write_time(Reply& reply) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  reply.out.array(2);
  reply.out.bulk_number(now.tv_sec);
  reply.out.bulk_number(now.tv_nsec / 1000);
  return GOROMDB_OK;
}

goromdb_status write_wait(Reply& reply) {
  Args args = reply.args();
  if (!integer(args.next())) return say(reply, kNotAnInteger);
  const auto timeout_ms = integer(args.next());
  if (!timeout_ms) return say(reply, "ERR timeout is not an integer or out of range");
  if (*timeout_ms < 0) return say(reply, "ERR timeout is negative");
  reply.out.integer(0);
  return GOROMDB_OK;
}

}  // namespace goromdb::redis
