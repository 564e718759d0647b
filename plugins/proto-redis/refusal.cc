// SPDX-License-Identifier: MIT
#include "refusal.h"

#include <algorithm>

#include "commands.h"
#include "connection.h"
#include "replies.h"

namespace goromdb::redis {

namespace {

constexpr size_t kMostQuoted = 128;  // redis's

std::string_view quotable(std::string_view text) {
  text = text.substr(0, kMostQuoted);
  return text.substr(0, text.find('\0'));
}

// An error is one line.
void append(std::string& words, std::string_view text) {
  const size_t begin = words.size();
  words.append(text);
  std::replace_if(
      words.begin() + static_cast<ptrdiff_t>(begin), words.end(),
      [](char c) { return c == '\r' || c == '\n'; }, ' ');
}

// "get", "client|list".
void append_full_name(std::string& words, uint16_t id) {
  if (const Command* container = container_of(id)) words.append(container->name).append("|");
  words.append(command_at(id).name);
}

bool takes(int16_t arity, uint32_t args) {
  return arity >= 0 ? args == static_cast<uint32_t>(arity) : args >= static_cast<uint32_t>(-arity);
}

}  // namespace

Verdict judge(const Server& server, const Conn& conn, uint16_t id, uint32_t args) {
  if (id == kNoCommand) return Verdict::kUnknown;
  const Command& command = command_at(id);
  if (!takes(command.arity, args)) return Verdict::kArity;
  if ((conn.modes & Conn::kNeedsAuth) && !(command.flags & kNoAuth)) return Verdict::kNoAuth;
  const bool multi = (conn.modes & Conn::kMulti) != 0;
  if (multi && (command.flags & kNoMulti)) return Verdict::kNotInMulti;
  if ((command.flags & kWrite) && command.read == nullptr) return Verdict::kWrite;
  if ((conn.modes & Conn::kSubscriber) && !conn.three && !(command.way & kSubscribed)) {
    return Verdict::kNotSubscribed;
  }
  if (args - 1 > server.settings.max_keys && command.read != nullptr) return Verdict::kTooManyKeys;
  // Names of channels, patterns, commands: what a command keeps or goes through, one by one.
  constexpr uint32_t kMostNames = 8192;
  if (args - 1 > kMostNames && command.read == nullptr && command.missing.empty()) {
    return Verdict::kTooLarge;
  }
  if (multi && !(command.way & kInMulti)) return Verdict::kQueued;
  return Verdict::kRead;
}

namespace {

// The text of an error for each reason but those that have none.
std::string words_of(const Reply& reply) {
  std::string words;
  switch (reply.tag.verdict) {
    case Verdict::kUnknown:
    case Verdict::kUnknownSubcommand:
      return reply.conn.session->words;
    case Verdict::kArity:
      words = "ERR wrong number of arguments for '";
      append_full_name(words, reply.tag.command);
      return words.append("' command");
    case Verdict::kNoAuth:
      return "NOAUTH Authentication required.";
    case Verdict::kNotInMulti:
      return "ERR Command not allowed inside a transaction";
    case Verdict::kNotSubscribed:
      words = "ERR Can't execute '";
      append_full_name(words, reply.tag.command);
      return words.append(
          "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this "
          "context");
    case Verdict::kTooManyKeys:
      return "ERR too many keys in one request, send several";
    case Verdict::kTooLarge:
      return "ERR the arguments of this command are too large";
    case Verdict::kQueueFull:
      return "ERR the transaction is too long, send several";
    case Verdict::kWrite:
    case Verdict::kRead:  // a command that has nothing to say here
    case Verdict::kQueued:
      return reply.server.settings.refusal;
  }
  return {};
}

}  // namespace

void write_refusal(Reply& reply) {
  if (reply.tag.verdict == Verdict::kQueued) return reply.out.simple("QUEUED");
  std::string words = words_of(reply);
  if (reply.tag.command != kNoCommand && (reply.command().way & kRunsQueue)) {
    // An EXEC that is refused ends the transaction.
    end_transaction(reply.conn);
    if (words.starts_with("ERR ")) words.erase(0, 4);
    words.insert(0, "EXECABORT Transaction discarded because of: ");
  }
  reply.out.error(words);
}

void quote_name(Session& session, std::string_view name) {
  session.words = "ERR unknown command '";
  append(session.words, quotable(name));
  session.words.append("', with args beginning with: ");
  session.words_head = session.words.size();
}

void begin_quote(Session& session) {
  const size_t so_far = session.words.size() - session.words_head;
  session.quote_left = so_far < kMostQuoted ? kMostQuoted - so_far : 0;
  session.quoting = session.quote_left > 0;
  if (session.quoting) session.words.append("'");
}

void quote(Session& session, std::string_view piece) {
  piece = piece.substr(0, session.quote_left);
  const size_t nul = piece.find('\0');
  append(session.words, piece.substr(0, nul));
  session.quote_left = nul == piece.npos ? session.quote_left - piece.size() : 0;
}

void end_quote(Session& session) {
  if (session.quoting) session.words.append("' ");
}

void quote_subcommand(Session& session, std::string_view container, std::string_view name) {
  session.words = "ERR unknown subcommand '";
  append(session.words, quotable(name));
  session.words.append("'. Try ");
  for (const char c : container) session.words.push_back(to_upper(c));
  session.words.append(" HELP.");
}

}  // namespace goromdb::redis
