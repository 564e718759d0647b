// SPDX-License-Identifier: MIT
// CLIENT TRACKING: a client that caches is told when what it has may be old. Data changes by a swap
// alone, and then all of it may have changed: one message without keys a swap, whatever was read.
#include <algorithm>
#include <string>

#include "announce.h"
#include "connection.h"
#include "numbers.h"
#include "replies.h"
#include "server_commands.h"

namespace goromdb::redis {

namespace {

constexpr std::string_view kBadMode =
    "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then "
    "re-enabling it with a different mode.";

constexpr size_t kMostPrefixes = 256, kMostPrefixBytes = 64 << 10;  // of a connection
constexpr std::string_view kTooManyPrefixes = "ERR too many prefixes";

size_t bytes_of(const std::vector<std::string>& prefixes) {
  size_t bytes = 0;
  for (const std::string& prefix : prefixes) bytes += prefix.size();
  return bytes;
}

// The options behind ON or OFF; the text of an error.
std::string parse_options(Args args, Tracking& wanted) {
  while (args.left() > 0) {
    const std::string_view option = args.next();
    if (is_word(option, "redirect") && args.left() > 0) {
      if (wanted.redirect != 0) return "ERR A client can only redirect to a single other client";
      const auto id = integer(args.next());
      if (!id) return std::string(kNotAnInteger);
      // Connections do not know each other: that this one exists is taken on trust.
      if (*id <= 0) return "ERR The client ID you want redirect to does not exist";
      wanted.redirect = static_cast<uint64_t>(*id);
    } else if (is_word(option, "bcast")) {
      wanted.broadcast = true;
    } else if (is_word(option, "optin")) {
      wanted.opt_in = true;
    } else if (is_word(option, "optout")) {
      wanted.opt_out = true;
    } else if (is_word(option, "noloop")) {
      wanted.no_loop = true;
    } else if (is_word(option, "prefix") && args.left() > 0) {
      if (wanted.prefixes.size() == kMostPrefixes) return std::string(kTooManyPrefixes);
      wanted.prefixes.emplace_back(args.next());
    } else {
      return std::string(kSyntaxError);
    }
  }
  return {};
}

bool overlap(std::string_view a, std::string_view b) {
  return a.starts_with(b) || b.starts_with(a);
}

std::string check_prefixes(const Tracking& now, const Tracking& wanted) {
  const auto complain = [](const std::string& a, std::string_view which, const std::string& b) {
    return one_line("ERR Prefix '" + a + "' overlaps with " + std::string(which) + " prefix '" + b +
                    "'. Prefixes for a single client must not overlap.");
  };
  for (size_t i = 0; i < wanted.prefixes.size(); ++i) {
    for (const std::string& known : now.prefixes) {
      if (overlap(wanted.prefixes[i], known)) {
        return complain(wanted.prefixes[i], "an existing", known);
      }
    }
    for (size_t j = i + 1; j < wanted.prefixes.size(); ++j) {
      if (overlap(wanted.prefixes[i], wanted.prefixes[j])) {
        return complain(wanted.prefixes[i], "another provided", wanted.prefixes[j]);
      }
    }
  }
  return {};
}

std::string check(const Tracking& now, const Tracking& wanted) {
  if (!wanted.broadcast && !wanted.prefixes.empty()) {
    return "ERR PREFIX option requires BCAST mode to be enabled";
  }
  if (now.on && now.broadcast != wanted.broadcast) {
    return "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and "
           "then re-enabling it with a different mode.";
  }
  if (wanted.broadcast && (wanted.opt_in || wanted.opt_out)) {
    return "ERR OPTIN and OPTOUT are not compatible with BCAST";
  }
  if (wanted.opt_in && wanted.opt_out) {
    return "ERR You can't specify both OPTIN mode and OPTOUT mode";
  }
  if (now.on && ((wanted.opt_in && now.opt_out) || (wanted.opt_out && now.opt_in))) {
    return std::string(kBadMode);
  }
  return wanted.broadcast ? check_prefixes(now, wanted) : std::string();
}

}  // namespace

void end_tracking(Conn& conn) {
  conn.modes &= static_cast<uint16_t>(~Conn::kTracking);
  if (conn.session != nullptr) conn.session->tracking = {};
}

goromdb_status write_client_tracking(Reply& reply) {
  Conn& conn = reply.conn;
  Args args = reply.args();
  const std::string_view word = args.next();
  Tracking wanted;
  std::string error = parse_options(args, wanted);
  if (error.empty() && is_word(word, "on")) {
    Tracking& now = session_of(conn).tracking;
    error = check(now, wanted);
    const bool too_many = now.prefixes.size() + wanted.prefixes.size() > kMostPrefixes ||
                          bytes_of(now.prefixes) + bytes_of(wanted.prefixes) > kMostPrefixBytes;
    if (error.empty() && too_many) error = kTooManyPrefixes;
    if (error.empty()) {
      wanted.on = true;
      wanted.may_cache = now.may_cache;
      wanted.prefixes.insert(wanted.prefixes.end(), now.prefixes.begin(), now.prefixes.end());
      if (wanted.broadcast && wanted.prefixes.empty()) wanted.prefixes.emplace_back();
      now = std::move(wanted);
      conn.modes |= Conn::kTracking;
    }
  } else if (error.empty() && is_word(word, "off")) {
    end_tracking(conn);
  } else if (error.empty()) {
    error = kSyntaxError;
  }
  if (!error.empty()) return reply.out.error(error), GOROMDB_OK;
  label(reply.server, conn);
  reply.out.ok();
  return GOROMDB_OK;
}

goromdb_status write_client_caching(Reply& reply) {
  Conn& conn = reply.conn;
  const bool on = (conn.modes & Conn::kTracking) != 0;
  if (!on) {
    reply.out.error(
        "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or "
        "OPTOUT mode enabled");
    return GOROMDB_OK;
  }
  Tracking& tracking = conn.session->tracking;
  const std::string_view word = reply.args().next();
  if (is_word(word, "yes") && !tracking.opt_in) {
    reply.out.error("ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.");
  } else if (is_word(word, "no") && !tracking.opt_out) {
    reply.out.error("ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.");
  } else if (is_word(word, "yes") || is_word(word, "no")) {
    tracking.caching = true;
    reply.out.ok();
  } else {
    reply.out.error(kSyntaxError);
  }
  return GOROMDB_OK;
}

goromdb_status write_client_getredir(Reply& reply) {
  const bool on = (reply.conn.modes & Conn::kTracking) != 0;
  reply.out.integer(on ? static_cast<int64_t>(reply.conn.session->tracking.redirect) : -1);
  return GOROMDB_OK;
}

goromdb_status write_client_trackinginfo(Reply& reply) {
  static const Tracking kOff;
  const Session* session = reply.conn.session;
  const Tracking& tracking = session != nullptr ? session->tracking : kOff;
  const struct {
    bool holds;
    std::string_view word;
  } flags[] = {{!tracking.on, "off"},
               {tracking.on, "on"},
               {tracking.broadcast, "bcast"},
               {tracking.opt_in, "optin"},
               {tracking.opt_in && tracking.caching, "caching-yes"},
               {tracking.opt_out, "optout"},
               {tracking.opt_out && tracking.caching, "caching-no"},
               {tracking.no_loop, "noloop"}};
  Resp& out = reply.out;
  out.map(3);
  out.bulk("flags");
  out.set(static_cast<size_t>(std::ranges::count_if(flags, [](auto& flag) { return flag.holds; })));
  for (const auto& [holds, word] : flags) {
    if (holds) out.bulk(word);
  }
  out.bulk("redirect");
  out.integer(tracking.on ? static_cast<int64_t>(tracking.redirect) : -1);
  out.bulk("prefixes");
  out.array(tracking.prefixes.size());
  for (const std::string& prefix : tracking.prefixes) out.bulk(prefix);
  return GOROMDB_OK;
}

void note_read(Conn& conn, const Command& command, bool in_exec) {
  Tracking& tracking = conn.session->tracking;
  if (!tracking.caching || command.name == "caching") return;
  if (tracking.opt_in && (command.flags & kReadOnly)) tracking.may_cache = true;
  if (!in_exec) tracking.caching = false;
}

void announce_invalidation(Conn& conn, Resp& out) {
  if (!(conn.modes & Conn::kTracking) || !conn.three) return;
  Tracking& tracking = conn.session->tracking;
  if (tracking.redirect != 0 && tracking.redirect != conn.number) return;
  if (tracking.opt_in && !tracking.may_cache) return;
  tracking.may_cache = false;
  out.push(2);
  out.bulk("invalidate");
  out.null();
}

}  // namespace goromdb::redis
