// SPDX-License-Identifier: MIT
// Greetings, the password, the selected database, the end.
#include "connection.h"

#include <algorithm>
#include <string>

#include "numbers.h"
#include "reads.h"
#include "replies.h"

namespace goromdb::redis {

namespace {

constexpr std::string_view kWrongPassword =
    "WRONGPASS invalid username-password pair or user is disabled.";
constexpr std::string_view kBadName =
    "ERR Client names cannot contain spaces, newlines or special characters.";

// Takes as long for any two texts of these sizes.
bool equal_in_constant_time(std::string_view a, std::string_view b) {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (size_t i = 0; i < a.size(); ++i) {
    const char other = b.empty() ? '\0' : b[i % b.size()];
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(other);
  }
  return difference == 0;
}

// There is one user, `default`. Without a password in the options any will do, as in redis.
bool authenticate(const Server& server, Conn& conn, std::string_view user,
                  std::string_view password) {
  const std::string& wanted = server.settings.password;
  if (user != "default" || !(wanted.empty() || equal_in_constant_time(password, wanted))) {
    return false;
  }
  conn.modes &= static_cast<uint16_t>(~Conn::kNeedsAuth);
  return true;
}

// HELLO's arguments.
struct Hello {
  int64_t version = 0;  // 0: as it is
  bool has_password = false;
  std::string_view user{}, password{};
  std::optional<std::string_view> name{};
};

std::string parse_hello(Args args, Hello& hello) {
  if (args.left() > 0) {
    const auto version = integer(args.next());
    if (!version) return "ERR Protocol version is not an integer or out of range";
    if (*version < 2 || *version > 3) return "NOPROTO unsupported protocol version";
    hello.version = *version;
  }
  while (args.left() > 0) {
    const std::string_view option = args.next();
    if (is_word(option, "auth") && args.left() >= 2) {
      hello.has_password = true;
      hello.user = args.next();
      hello.password = args.next();
    } else if (is_word(option, "setname") && args.left() >= 1) {
      hello.name = args.next();
      if (!is_client_name(*hello.name)) return std::string(kBadName);
    } else {
      std::string error = "ERR Syntax error in HELLO option '";
      error.append(option.substr(0, option.find('\0'))).append("'");
      std::ranges::replace_if(
          error, [](char c) { return c == '\r' || c == '\n'; }, ' ');
      return error;
    }
  }
  return {};
}

}  // namespace

bool is_client_name(std::string_view name) {
  constexpr size_t kLongest = 1024;
  return name.size() <= kLongest &&
         std::ranges::all_of(name, [](char c) { return c >= '!' && c <= '~'; });
}

void label(const Server& server, Conn& conn) {
  static const Session kNone;
  const Session& session = conn.session != nullptr ? *conn.session : kNone;
  const Tracking& tracking = session.tracking;
  std::string flags;
  if (conn.modes & Conn::kSubscriber) flags += 'P';
  if (conn.modes & Conn::kTracking) flags += 't';
  if (tracking.on && tracking.broadcast) flags += 'B';
  if (conn.modes & Conn::kNoEvict) flags += 'e';
  if (conn.modes & Conn::kNoTouch) flags += 'T';
  if (flags.empty()) flags = "N";
  std::string text = "db=" + std::to_string(conn.database);
  text += conn.three ? " resp=3" : " resp=2";
  text += " sub=" + std::to_string(session.channels.size());
  text += " psub=" + std::to_string(session.patterns.size());
  text += " ssub=" + std::to_string(session.shard_channels.size());
  text += " multi=-1 flags=" + flags;
  if (tracking.on) text += " redir=" + std::to_string(tracking.redirect);
  if (!session.lib_name.empty()) text += " lib-name=" + session.lib_name;
  if (!session.lib_version.empty()) text += " lib-ver=" + session.lib_version;
  if (!session.name.empty()) text += " name=" + session.name;
  server.host.label(&conn, text);
  conn.labelled_database = conn.database;
}

goromdb_status write_ping(Reply& reply) {
  if (reply.tag.args > 1) {
    reply.out.error("ERR wrong number of arguments for 'ping' command");
  } else if ((reply.conn.modes & Conn::kSubscriber) && !reply.out.three()) {
    reply.out.array(2);
    reply.out.bulk("pong");
    reply.out.bulk(reply.args().next());
  } else if (reply.tag.args == 1) {
    reply.out.bulk(reply.args().next());
  } else {
    reply.out.simple("PONG");
  }
  return GOROMDB_OK;
}

goromdb_status write_echo(Reply& reply) {
  reply.out.bulk(reply.args().next());
  return GOROMDB_OK;
}

// The keys behind it on the wire are looked for in the new database, so that it is settled here.
void read_select(Call& call) {
  const auto index = integer(call.args().next());
  if (!index) return call.error(kNotAnInteger);
  if (*index < INT32_MIN || *index > INT32_MAX) {
    return call.error("ERR value is out of range, value must between -2147483648 and 2147483647");
  }
  if (*index < 0 || *index >= call.io.databases) {
    return call.error("ERR DB index is out of range");
  }
  call.add(GOROMDB_OP_LOCAL);
  call.conn.database = static_cast<uint32_t>(*index);
}

goromdb_status write_select(Reply& reply) {
  // A label takes a lock, and some clients select before each request.
  if (reply.conn.labelled_database != reply.conn.database) label(reply.server, reply.conn);
  reply.out.ok();
  return GOROMDB_OK;
}

void read_quit(Call& call) {
  call.add(GOROMDB_OP_CLOSE);
  call.conn.phase = Conn::kClosed;
}

goromdb_status write_ok(Reply& reply) {
  reply.out.ok();
  return GOROMDB_OK;
}

goromdb_status write_cluster_disabled(Reply& reply) {
  reply.out.error("ERR This instance has cluster support disabled");
  return GOROMDB_OK;
}

goromdb_status write_reset(Reply& reply) {
  Conn& conn = reply.conn;
  end_transaction(conn);
  end_subscriptions(conn);
  end_tracking(conn);
  delete conn.session;
  conn.session = nullptr;
  conn.modes = reply.server.settings.password.empty() ? 0 : Conn::kNeedsAuth;
  conn.database = 0;
  conn.three = false;
  label(reply.server, conn);
  reply.out.simple("RESET");
  return GOROMDB_OK;
}

goromdb_status write_hello(Reply& reply) {
  Conn& conn = reply.conn;
  Hello hello;
  const std::string error = parse_hello(reply.args(), hello);
  if (!error.empty()) return reply.out.error(error), GOROMDB_OK;
  if (hello.has_password && !authenticate(reply.server, conn, hello.user, hello.password)) {
    return reply.out.error(kWrongPassword), GOROMDB_OK;
  }
  if (conn.modes & Conn::kNeedsAuth) {
    reply.out.error(
        "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO "
        "<proto> AUTH <user> <pass> option can be used to authenticate the client and select the "
        "RESP protocol version at the same time");
    return GOROMDB_OK;
  }
  if (hello.name) session_of(conn).name = *hello.name;
  if (hello.version != 0) conn.three = hello.version == 3;
  label(reply.server, conn);
  Resp out(reply.out.writer(), conn.three);
  out.map(7);
  out.bulk("server");
  out.bulk("redis");
  out.bulk("version");
  out.bulk(kRedisVersion);
  out.bulk("proto");
  out.integer(conn.three ? 3 : 2);
  out.bulk("id");
  out.integer(static_cast<int64_t>(conn.number));
  out.bulk("mode");
  out.bulk("standalone");
  out.bulk("role");
  out.bulk(reply.server.settings.role);
  out.bulk("modules");
  out.array(0);
  return GOROMDB_OK;
}

goromdb_status write_auth(Reply& reply) {
  Args args = reply.args();
  if (args.left() > 2) return reply.out.error(kSyntaxError), GOROMDB_OK;
  if (args.left() == 1 && reply.server.settings.password.empty()) {
    reply.out.error(
        "ERR AUTH <password> called without any password configured for the default user. Are you "
        "sure your configuration is correct?");
    return GOROMDB_OK;
  }
  const std::string_view user = args.left() == 2 ? args.next() : "default";
  if (authenticate(reply.server, reply.conn, user, args.next())) {
    reply.out.ok();
  } else {
    reply.out.error(kWrongPassword);
  }
  return GOROMDB_OK;
}

}  // namespace goromdb::redis
