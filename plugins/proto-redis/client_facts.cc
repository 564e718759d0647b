// SPDX-License-Identifier: MIT
#include "client_facts.h"

#include <algorithm>
#include <unordered_set>
#include <vector>

#include "numbers.h"
#include "replies.h"
#include "server_commands.h"

namespace goromdb::redis {

namespace {

constexpr std::string_view kUnix = "unix:";

// Which connections CLIENT LIST is asked for.
struct Filter {
  bool by_number = false;
  std::unordered_set<uint64_t> numbers{};
  bool normal = true, subscribers = true;  // no connection is a master's or a replica's

  bool takes(uint64_t number, bool subscriber) const {
    if (by_number) return numbers.contains(number);
    return subscriber ? subscribers : normal;
  }
};

// Fills `filter` from the arguments; an error's text, or empty.
std::string parse_filter(Args args, Filter& filter) {
  if (args.left() == 0) return {};
  const std::string_view word = args.next();
  if (is_word(word, "type") && args.left() == 1) {
    const std::string_view type = args.next();
    filter.normal = is_word(type, "normal");
    filter.subscribers = is_word(type, "pubsub");
    const bool known = filter.normal || filter.subscribers || is_word(type, "master") ||
                       is_word(type, "replica") || is_word(type, "slave");
    return known ? "" : one_line("ERR Unknown client type '" + std::string(type) + "'");
  }
  if (is_word(word, "id") && args.left() > 0) {
    filter.by_number = true;
    while (args.left() > 0) {
      const auto number = integer(args.next());
      if (!number || *number <= 0) return "ERR Invalid client ID";
      filter.numbers.insert(static_cast<uint64_t>(*number));
    }
    return {};
  }
  return std::string(kSyntaxError);
}

}  // namespace

ClientLabel::ClientLabel(std::string_view text) {
  const struct {
    std::string_view key;
    std::string_view& value;
  } words[] = {
      {"name", name},           {"db", db},       {"resp", resp},     {"lib-name", lib_name},
      {"lib-ver", lib_version}, {"sub", sub},     {"psub", psub},     {"ssub", ssub},
      {"multi", multi},         {"flags", flags}, {"redir", redirect}};
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    const size_t equals = word.find('=');
    if (equals == word.npos) continue;
    for (const auto& [key, value] : words) {
      if (word.substr(0, equals) == key) value = word.substr(equals + 1);
    }
  }
}

std::string client_address(std::string_view address) {
  if (!address.starts_with(kUnix)) return std::string(address);
  return std::string(address.substr(kUnix.size())) + ":0";
}

std::string client_line(const Facts& connection, std::string_view command) {
  const ClientLabel label(connection.text("label"));
  const std::string_view address = connection.text("addr");
  const std::string_view listen = connection.text("listen");
  std::string flags(label.flags);
  if (listen.starts_with(kUnix)) flags = flags == "N" ? "U" : flags + "U";
  std::string line;
  const auto put = [&](std::string_view name, std::string_view value) {
    line.append(line.empty() ? "" : " ").append(name).append("=").append(printable(value));
  };
  put("id", connection.text("id", "0"));
  put("addr", client_address(address));
  put("laddr", client_address(listen));
  put("fd", connection.text("fd", "-1"));
  put("name", label.name);
  put("age", connection.text("age_s", "0"));
  put("idle", connection.text("idle_s", "0"));
  put("flags", flags);
  put("db", label.db);
  put("sub", label.sub);
  put("psub", label.psub);
  put("ssub", label.ssub);
  put("multi", label.multi);
  // No buffer is a connection's own while nothing is under way.
  for (std::string_view name : {"qbuf", "qbuf-free", "argv-mem", "multi-mem", "rbs", "rbp", "obl",
                                "oll", "omem", "tot-mem"}) {
    put(name, "0");
  }
  put("events", "r");
  put("cmd", command.empty() ? "NULL" : command);
  put("user", "default");
  put("redir", label.redirect);
  put("resp", label.resp);
  put("lib-name", label.lib_name);
  put("lib-ver", label.lib_version);
  return line + "\n";
}

goromdb_status write_client_list(Reply& reply) {
  Filter filter;
  if (const std::string error = parse_filter(reply.args(), filter); !error.empty()) {
    reply.out.error(error);
    return GOROMDB_OK;
  }
  std::string lines;
  for (const Facts& connection : Facts(reply.answer).numbered()) {
    const uint64_t number = connection.number("id");
    const ClientLabel label(connection.text("label"));
    const bool subscriber = label.flags.find('P') != label.flags.npos;
    if (!filter.takes(number, subscriber)) continue;
    lines += client_line(connection, number == reply.conn.number ? "client|list" : "");
  }
  reply.out.verbatim(lines);
  return GOROMDB_OK;
}

goromdb_status write_client_info(Reply& reply) {
  reply.out.verbatim(client_line(Facts(reply.answer), "client|info"));
  return GOROMDB_OK;
}

}  // namespace goromdb::redis
