// SPDX-License-Identifier: MIT
// Channels. Any can be subscribed to; two ever say something, both at each swap:
// `__goromdb__:generation` "DATABASE GENERATION", and `__redis__:invalidate`, where RESP2 clients
// that cache expect to be told that everything they have may be old.
#include <algorithm>
#include <string>

#include "announce.h"
#include "connection.h"
#include "glob.h"
#include "replies.h"
#include "server_commands.h"

namespace goromdb::redis {

namespace {

constexpr std::string_view kGenerationChannel = "__goromdb__:generation";
constexpr std::string_view kInvalidationChannel = "__redis__:invalidate";
constexpr size_t kMostSubscriptions = 1024, kPubsubBytes = 1 << 20;  // of names, of a connection

using Names = std::vector<std::string>;

// The list that SUBSCRIBE, PSUBSCRIBE, SSUBSCRIBE and their opposites change.
Names& names_of(Session& session, const Command& command) {
  const std::string_view name = command.name;
  if (name.starts_with("p")) return session.patterns;
  const bool sharded = name.starts_with("ss") || name.starts_with("sun");
  return sharded ? session.shard_channels : session.channels;
}

size_t count_of(const Session& session, const Names& names) {
  if (&names == &session.shard_channels) return names.size();
  return session.channels.size() + session.patterns.size();
}

size_t bytes_of(const Session& session) {
  size_t bytes = 0;
  for (const Names* names : {&session.channels, &session.patterns, &session.shard_channels}) {
    for (const std::string& name : *names) bytes += name.size();
  }
  return bytes;
}

void set_mode(const Server& server, Conn& conn) {
  if (conn.session->subscriptions() > 0) {
    conn.modes |= Conn::kSubscriber;
  } else {
    conn.modes &= static_cast<uint16_t>(~Conn::kSubscriber);
  }
  label(server, conn);
}

void write_change(Reply& reply, const std::string_view* channel, size_t count) {
  reply.out.push(3);
  reply.out.bulk(reply.command().name);
  if (channel != nullptr) {
    reply.out.bulk(*channel);
  } else {
    reply.out.null();
  }
  reply.out.integer(static_cast<int64_t>(count));
}

void write_message(Resp& out, std::string_view channel, std::string_view payload) {
  out.push(3);
  out.bulk("message");
  out.bulk(channel);
  out.bulk(payload);
}

// PUBSUB tells of this connection's own subscriptions: connections do not know each other.
Names own_channels(const Reply& reply, bool sharded) {
  const Session* session = reply.conn.session;
  if (session == nullptr) return {};
  return sharded ? session->shard_channels : session->channels;
}

goromdb_status write_channels(Reply& reply, bool sharded) {
  if (reply.tag.args > 1) return write_wrong_subcommand_arguments(reply, reply.name_as_sent());
  Names channels = own_channels(reply, sharded);
  if (reply.tag.args > 0) {
    const std::string_view pattern = reply.args().next();
    std::erase_if(channels, [pattern](const auto& name) { return !glob_match(pattern, name); });
  }
  reply.out.array(channels.size());
  for (const std::string& name : channels) reply.out.bulk(name);
  return GOROMDB_OK;
}

goromdb_status write_numbers(Reply& reply, bool sharded) {
  const Names channels = own_channels(reply, sharded);
  Args args = reply.args();
  reply.out.array(2 * size_t{args.left()});
  while (args.left() > 0) {
    const std::string_view name = args.next();
    reply.out.bulk(name);
    reply.out.integer(std::ranges::count(channels, name));
  }
  return GOROMDB_OK;
}

}  // namespace

void end_subscriptions(Conn& conn) {
  conn.modes &= static_cast<uint16_t>(~Conn::kSubscriber);
  if (conn.session == nullptr) return;
  conn.session->channels.clear();
  conn.session->patterns.clear();
  conn.session->shard_channels.clear();
}

goromdb_status write_subscribe(Reply& reply) {
  Session& session = session_of(reply.conn);
  Names& names = names_of(session, reply.command());
  if (&names == &session.shard_channels && (reply.tag.bits & Tag::kInExec)) {
    reply.out.error("ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client");
    return GOROMDB_OK;
  }
  size_t bytes = bytes_of(session);
  for (Args args = reply.args(); args.left() > 0;) {
    const std::string_view name = args.next();
    const bool known = std::ranges::find(names, name) != names.end();
    bytes += known ? 0 : name.size();
    if (!known && (session.subscriptions() == kMostSubscriptions || bytes > kPubsubBytes)) {
      reply.out.error("ERR too many subscriptions on this connection");
      break;
    }
    if (!known) names.emplace_back(name);
    write_change(reply, &name, count_of(session, names));
  }
  set_mode(reply.server, reply.conn);
  return GOROMDB_OK;
}

goromdb_status write_unsubscribe(Reply& reply) {
  Session& session = session_of(reply.conn);
  Names& names = names_of(session, reply.command());
  if (reply.tag.args > 0) {
    for (Args args = reply.args(); args.left() > 0;) {
      const std::string_view name = args.next();
      std::erase(names, name);
      write_change(reply, &name, count_of(session, names));
    }
  } else if (names.empty()) {
    write_change(reply, nullptr, count_of(session, names));
  } else {
    while (!names.empty()) {
      const std::string last = std::move(names.back());
      names.pop_back();
      const std::string_view name = last;
      write_change(reply, &name, count_of(session, names));
    }
  }
  set_mode(reply.server, reply.conn);
  return GOROMDB_OK;
}

// Nobody gets it: what the two channels say is the server's alone.
goromdb_status write_publish(Reply& reply) {
  reply.out.integer(0);
  return GOROMDB_OK;
}

goromdb_status write_pubsub_channels(Reply& reply) { return write_channels(reply, false); }
goromdb_status write_pubsub_shardchannels(Reply& reply) { return write_channels(reply, true); }
goromdb_status write_pubsub_numsub(Reply& reply) { return write_numbers(reply, false); }
goromdb_status write_pubsub_shardnumsub(Reply& reply) { return write_numbers(reply, true); }

goromdb_status write_pubsub_numpat(Reply& reply) {
  const Session* session = reply.conn.session;
  reply.out.integer(session != nullptr ? static_cast<int64_t>(session->patterns.size()) : 0);
  return GOROMDB_OK;
}

void announce_generation(Conn& conn, const goromdb_event& event, Resp& out) {
  if (!(conn.modes & Conn::kSubscriber)) return;
  const Session& session = *conn.session;
  std::string payload(view(event.database_name));
  payload += " " + std::to_string(event.generation);
  for (const std::string& name : session.channels) {
    if (name == kGenerationChannel) write_message(out, name, payload);
    if (name == kInvalidationChannel && !out.three()) {
      out.push(3);
      out.bulk("message");
      out.bulk(name);
      out.null();
    }
  }
  for (const std::string& pattern : session.patterns) {
    if (!glob_match(pattern, kGenerationChannel)) continue;
    out.push(4);
    out.bulk("pmessage");
    out.bulk(pattern);
    out.bulk(kGenerationChannel);
    out.bulk(payload);
  }
}

}  // namespace goromdb::redis
