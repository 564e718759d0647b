// SPDX-License-Identifier: MIT
// Framing, and what becomes of a command as soon as enough of it has come to tell.
#include "parser.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>

#include "call.h"
#include "commands.h"
#include "inline_words.h"
#include "numbers.h"
#include "refusal.h"
#include "wire.h"

namespace goromdb::redis {

namespace {

static_assert(std::endian::native == std::endian::little,
              "Parser::single_get() compares several bytes at once");

constexpr int64_t kMaxUnauthenticatedArgs = 10;  // redis's

// What became of the next piece of input.
enum class Step {
  kDone,   // used up
  kMore,   // more must come
  kFull,   // the request does not fit beside those before it, or must not stand behind them
  kAgain,  // the request alone does not fit
  kEnd     // used up, and the batch ends behind it
};

class Parser : private Wire {
 public:
  Parser(const Server& server, Conn& conn, goromdb_parse& io) : Wire(server, conn, io) {
    io.key_len = io.req_len = io.want_keys = io.want_reqs = io.scope_len = 0;
  }

  goromdb_status run() {
    if (!conn_.greeted && pos_ != end_) greet();
    if (conn_.phase == Conn::kClosed) pos_ = end_;
    while (pos_ != end_) {
      if (io_.req_len == io_.req_cap) return stop(GOROMDB_OK);
      const Step step = this->step();
      if (conn_.phase == Conn::kClosed) pos_ = end_;
      switch (step) {
        case Step::kDone:
          break;
        case Step::kMore:
          return stop(GOROMDB_NEED_MORE);
        case Step::kFull:
        case Step::kEnd:
          return stop(GOROMDB_OK);
        case Step::kAgain:
          return stop(GOROMDB_AGAIN);
      }
    }
    return stop(GOROMDB_NEED_MORE);
  }

 private:
  // A command's names and what comes behind them.
  struct Head {
    uint16_t command = kNoCommand;
    Verdict verdict = Verdict::kRead;
    uint32_t names = 1;              // 2 with a subcommand's
    uint32_t args = 0;               // names among them
    const uint8_t* begin = nullptr;  // of the request on the wire,
    const uint8_t* body = nullptr;   // of its arguments behind the names
    bool keys_placed = false;        // the arguments lie in the batch already
  };
  void greet() {
    conn_.greeted = true;
    conn_.number = io_.connection;
    if (!settings_.password.empty()) conn_.modes |= Conn::kNeedsAuth;
    constexpr uint8_t kTlsHandshake = 0x16;
    if (*pos_ == kTlsHandshake) close({});
  }

  Step step() {
    if (conn_.phase == Conn::kSkip) return skip();
    if (single_get()) return Step::kDone;
    return *pos_ == '*' ? multibulk() : inline_command();
  }

  // The overwhelmingly common request, `GET key` in one piece. False: the next request is another,
  // or has not come whole.
  bool single_get() {
    constexpr uint64_t kHead = 0x0a0d33240a0d322a;                   // "*2\r\n$3\r\n"
    constexpr uint32_t kLowerCase = 0x00202020, kName = 0x0d746567;  // "get\r"
    const uint8_t* p = pos_;
    uint64_t head;
    uint32_t name;
    if (end_ - p < 20 || io_.key_len == io_.key_cap) return false;
    std::memcpy(&head, p, 8);
    std::memcpy(&name, p + 8, 4);
    if (head != kHead || (name | kLowerCase) != kName || p[12] != '\n' || p[13] != '$')
      return false;
    if (conn_.modes & (Conn::kMulti | Conn::kNeedsAuth | Conn::kSubscriber)) return false;
    const uint8_t* args = p + 13;
    const uint8_t* next = behind_short_bulk(args);
    if (next == nullptr) return false;
    const Bulk key = short_bulk(args, next);
    goromdb_request& request = io_.reqs[io_.req_len++];
    request = goromdb_request{};
    request.op = GOROMDB_OP_GET;
    request.flags = GOROMDB_WANT_KIND;
    request.first_key = io_.key_len;
    request.nkeys = 1;
    request.database = conn_.database;
    Tag{server_.get, Verdict::kRead, 0, 1, args}.put(request);
    io_.keys[io_.key_len++] = {key.data, static_cast<uint32_t>(key.len), 0};
    advance(next);
    return true;
  }

  // After something of a request was not to be had: for want of input, or for good.
  Step more() const { return conn_.phase == Conn::kClosed ? Step::kDone : Step::kMore; }

  // --- requests ---

  Call call(const Head& head) {
    Tag tag{head.command, head.verdict, 0, head.args - std::min(head.args, head.names), head.body};
    return {server_, conn_, io_, tag, head.keys_placed};
  }

  Step multibulk() {
    const uint8_t* cr = line_end(pos_, "ERR Protocol error: too big mbulk count string",
                                 "ERR Protocol error: invalid multibulk length");
    if (cr == nullptr) return more();
    const auto count = integer(text(pos_ + 1, static_cast<size_t>(cr - pos_ - 1)));
    if (!count || *count > settings_.max_arguments) {
      close("ERR Protocol error: invalid multibulk length");
      return Step::kDone;
    }
    if (*count > kMaxUnauthenticatedArgs && (conn_.modes & Conn::kNeedsAuth)) {
      close("ERR Protocol error: unauthenticated multibulk length");
      return Step::kDone;
    }
    if (*count <= 0) {
      advance(cr + 2);
      return Step::kDone;
    }
    Head head;
    head.args = static_cast<uint32_t>(*count);
    head.begin = pos_;
    const auto name = whole_bulk(cr + 2);
    if (!name) return more();
    head.body = name->next();
    head.command = find_command(name->view());
    std::optional<Bulk> sub;
    if (is_container(head)) {
      sub = whole_bulk(head.body);
      if (!sub) return more();
      head.body = sub->next();
    }
    if (is_http(head.command, name->view())) {
      close({});
      return Step::kDone;
    }
    name_subcommand(head, name->view(), sub ? sub->view() : std::string_view());
    if (head.verdict != Verdict::kRead && head.verdict != Verdict::kQueued) {
      if (head.verdict == Verdict::kUnknown) quote_name(session_of(conn_), name->view());
      return begin_skip(head, head.body, head.args - head.names);
    }
    return keep(head);
  }

  static bool is_http(uint16_t command, std::string_view name) {
    return command == kNoCommand && (is_word(name, "post") || is_word(name, "host:"));
  }
  static bool is_container(const Head& head) {
    return head.command != kNoCommand && head.args > 1 &&
           !command_at(head.command).subcommands.empty();
  }
  // Settles which row it is and what becomes of it.
  void name_subcommand(Head& head, std::string_view name, std::string_view sub) {
    if (is_container(head)) {
      const uint16_t container = head.command;
      head.names = 2;
      head.command = find_subcommand(container, sub);
      if (head.command == kNoCommand) {
        quote_subcommand(session_of(conn_), name, sub);
        head.verdict = Verdict::kUnknownSubcommand;
        return;
      }
    }
    head.verdict = judge(server_, conn_, head.command, head.args);
  }

  // The arguments of a command that is run or queued have to be whole.
  Step keep(Head& head) {
    const size_t most = head.verdict == Verdict::kQueued ? queue_room() : settings_.max_request;
    uint32_t done = head.names;
    const uint8_t* p = head.body;
    if (conn_.whole_args > done) {
      done = conn_.whole_args;
      p = pos_ + conn_.whole;
    }
    head.keys_placed = done == head.names && can_place_keys(head);
    for (; done < head.args; ++done) {
      if (const uint8_t* next = behind_short_bulk(p);
          next != nullptr && static_cast<size_t>(next - head.begin) <= most) {
        if (head.keys_placed) place_key(head, done, short_bulk(p, next));
        p = next;
        continue;
      }
      const auto bulk = bulk_head(p);
      if (conn_.phase == Conn::kClosed) return Step::kDone;
      const bool large = bulk && (bulk->len > settings_.max_bulk ||
                                  static_cast<size_t>(bulk->next() - head.begin) > most);
      if (large) {
        head.verdict = head.verdict == Verdict::kQueued ? Verdict::kQueueFull : Verdict::kTooLarge;
        return begin_skip(head, p, head.args - done);
      }
      if (!bulk || !is_whole(*bulk)) {
        conn_.whole_args = done;
        conn_.whole = static_cast<uint32_t>(p - pos_);
        return more();
      }
      if (head.keys_placed) place_key(head, done, *bulk);
      p = bulk->next();
    }
    const Step step = run_command(head, p);
    if (step == Step::kDone || step == Step::kEnd) advance(p);
    return step;
  }

  // Whether the arguments, which all are keys, can be put where they belong as they are found. If
  // the request turns out to be incomplete nobody looks there.
  bool can_place_keys(const Head& head) const {
    return (command_at(head.command).way & kAllKeys) && head.verdict == Verdict::kRead &&
           io_.key_cap - io_.key_len >= head.args - head.names;
  }
  void place_key(const Head& head, uint32_t argument, const Bulk& bulk) {
    io_.keys[io_.key_len + argument - head.names] = {bulk.data, static_cast<uint32_t>(bulk.len), 0};
  }

  size_t queue_room() const {
    const Session& session = *conn_.session;
    return settings_.max_transaction - std::min(settings_.max_transaction, session.queue.size());
  }

  // `end`: of its arguments on the wire.
  Step run_command(const Head& head, const uint8_t* end) {
    const Command& command = command_at(head.command);
    if (head.verdict == Verdict::kQueued) return queue(head, end);
    if (command.way & kRunsQueue) return run_queue(head);
    const uint32_t keys = keys_of(command, head.args - head.names);
    if (io_.key_cap - io_.key_len < keys) return no_room(keys, 1);
    read(command, call(head));
    return command.way & kEndsBatch ? Step::kEnd : Step::kDone;
  }

  // How many keys a command may look up, at most.
  static uint32_t keys_of(const Command& command, uint32_t args) {
    return command.read == nullptr ? 0 : args;
  }

  static void read(const Command& command, Call call) {
    if (command.read != nullptr) return command.read(call);
    if (command.facts.empty()) {
      call.add(GOROMDB_OP_LOCAL);
    } else {
      call.add(GOROMDB_OP_STATS).arg = slice(command.facts);
    }
  }

  Step no_room(uint32_t keys, uint32_t requests) {
    if (io_.req_len > 0) return Step::kFull;
    io_.want_keys = std::max(keys, io_.key_cap);
    io_.want_reqs = requests > io_.req_cap ? requests : 0;
    return Step::kAgain;
  }

  // --- refused ---

  // `args` arguments from `body` on have not been looked at.
  Step begin_skip(const Head& head, const uint8_t* body, uint32_t args) {
    if (args == 0) {
      refuse(head);
      advance(body);
      return ends_batch(head) ? Step::kEnd : Step::kDone;
    }
    conn_.phase = Conn::kSkip;
    conn_.command = head.command;
    conn_.verdict = head.verdict;
    conn_.args = head.args;
    conn_.args_left = args;
    conn_.bulk_left = 0;
    advance(body);
    return Step::kDone;
  }

  // The words of the next refusal shall not lie over those of this one; EXEC changes the state even
  // when it is refused.
  static bool ends_batch(const Head& head) {
    return head.verdict == Verdict::kUnknown || head.verdict == Verdict::kUnknownSubcommand ||
           (command_at(head.command).way & kRunsQueue);
  }

  void refuse(const Head& head) {
    if (conn_.modes & Conn::kMulti) conn_.session->abort = true;
    call(head).add(head.verdict == Verdict::kWrite ? GOROMDB_OP_REFUSED : GOROMDB_OP_LOCAL);
  }

  // Throws away what has come of a refused command's arguments.
  Step skip() {
    while (conn_.bulk_left > 0 || conn_.args_left > 0) {
      if (conn_.bulk_left == 0) {
        const auto bulk = bulk_head(pos_);
        if (!bulk) return more();
        conn_.bulk_left = bulk->len + 2;
        --conn_.args_left;
        advance(bulk->data);
        if (conn_.verdict == Verdict::kUnknown) begin_quote(*conn_.session);
      }
      if (!skip_bulk()) return more();
      if (conn_.verdict == Verdict::kUnknown) end_quote(*conn_.session);
    }
    conn_.phase = Conn::kRequest;
    const Head head{.command = conn_.command, .verdict = conn_.verdict};
    refuse(head);
    return ends_batch(head) ? Step::kEnd : Step::kDone;
  }

  bool skip_bulk() {
    if (conn_.bulk_left > 2) {
      const std::string_view passed = discard(conn_.bulk_left - 2, pos_, end_);
      if (conn_.verdict == Verdict::kUnknown) quote(*conn_.session, passed);
      conn_.bulk_left -= passed.size();
    }
    for (; conn_.bulk_left <= 2 && conn_.bulk_left > 0 && pos_ != end_; ++pos_, --conn_.bulk_left) {
      if (*pos_ == (conn_.bulk_left == 2 ? '\r' : '\n')) continue;
      close("ERR Protocol error: missing CRLF after a bulk string");
      return false;
    }
    return conn_.bulk_left == 0;
  }

  // --- inline commands ---

  Step inline_command() {
    const uint8_t* from = conn_.line == 0 ? pos_ + conn_.scanned : pos_;
    const void* found =
        from == end_ ? nullptr : std::memchr(from, '\n', static_cast<size_t>(end_ - from));
    const uint8_t* newline = found ? static_cast<const uint8_t*>(found) : end_;
    if (static_cast<size_t>(newline - pos_) > settings_.max_inline) {
      close("ERR Protocol error: too big inline request");
      return Step::kDone;
    }
    if (found == nullptr) {
      conn_.line = 0;
      conn_.scanned = static_cast<uint32_t>(newline - pos_);
      return Step::kMore;
    }
    // The words move to the session, where the ones before must have been used up.
    if (io_.req_len > 0) return Step::kFull;
    size_t len = static_cast<size_t>(newline - pos_);
    if (len > 0 && newline[-1] == '\r') --len;
    Session& session = session_of(conn_);
    const int64_t count = split_inline(text(pos_, len), session.line);
    if (count < 0) {
      close("ERR Protocol error: unbalanced quotes in request");
      return Step::kDone;
    }
    const uint8_t* next = newline + 1;
    if (count == 0) {
      advance(next);
      return Step::kDone;
    }
    const Step step = inline_words(static_cast<uint32_t>(count));
    if (step != Step::kAgain && conn_.phase != Conn::kClosed) advance(next);
    return step;
  }

  Step inline_words(uint32_t count) {
    Session& session = *conn_.session;
    Head head;
    head.args = count;
    head.begin = reinterpret_cast<const uint8_t*>(session.line.data());
    Args args(head.begin, count);
    const std::string_view name = args.next();
    head.command = find_command(name);
    if (is_http(head.command, name)) {
      close({});
      return Step::kDone;
    }
    const std::string_view sub = is_container(head) ? args.next() : std::string_view();
    head.body = args.at();
    name_subcommand(head, name, sub);
    if (head.verdict == Verdict::kRead || head.verdict == Verdict::kQueued) {
      const Step step = run_command(head, head.begin + session.line.size());
      return step == Step::kDone ? Step::kEnd : step;
    }
    if (head.verdict == Verdict::kUnknown) {
      // Lines that mean nothing are most likely another protocol's, and may be its data.
      if (++conn_.unknown_lines == settings_.max_unknown_lines) {
        close({});
        return Step::kDone;
      }
      quote_name(session, name);
      while (args.left() > 0) {
        begin_quote(session);
        quote(session, args.next());
        end_quote(session);
      }
    }
    refuse(head);
    return Step::kEnd;
  }

  // --- transactions ---

  // Keeps the command for EXEC, as a number of arguments and the arguments themselves.
  Step queue(const Head& head, const uint8_t* end) {
    Session& session = *conn_.session;
    const uint8_t* words = head.begin;
    if (*words == '*') words = static_cast<const uint8_t*>(std::memchr(words, '\n', 24)) + 1;
    const auto size = static_cast<size_t>(end - words);
    const uint32_t keys = keys_of(command_at(head.command), head.args - head.names);
    Head queued = head;
    if (session.queued >= settings_.max_transaction_commands || size > queue_room() ||
        session.queued_keys + keys > settings_.max_keys) {
      queued.verdict = Verdict::kQueueFull;
      session.abort = true;
    } else {
      session.queue.append(reinterpret_cast<const char*>(&head.args), sizeof head.args);
      session.queue.append(text(words, size));
      session.queued_keys += keys;
      ++session.queued;
    }
    call(queued).add(GOROMDB_OP_LOCAL);
    return Step::kDone;
  }

  // EXEC: what was queued becomes one batch.
  Step run_queue(const Head& head) {
    // What is said before it may change what becomes of it.
    if (io_.req_len > 0) return Step::kFull;
    Session* session = conn_.session;
    Call exec = call(head);
    if (!(conn_.modes & Conn::kMulti) || session->abort) {
      exec.add(GOROMDB_OP_LOCAL);
      return Step::kEnd;
    }
    const uint32_t watched = static_cast<uint32_t>(session->watched.size());
    const uint32_t requests = watched + 1 + session->queued;
    if (requests > io_.req_cap || session->queued_keys > io_.key_cap) {
      return no_room(session->queued_keys, requests);
    }
    const uint32_t database = session->database_before = conn_.database;
    for (uint32_t i = 0; i < watched; ++i) {
      conn_.database = session->watched[i].database;
      Call check = exec;
      check.tag.bits |= Tag::kWatchCheck;
      check.add(GOROMDB_OP_LOCAL).count = i;
    }
    conn_.database = database;
    exec.add(GOROMDB_OP_LOCAL);
    run_queued(*session);
    return Step::kEnd;
  }

  void run_queued(Session& session) {
    const auto* p = reinterpret_cast<const uint8_t*>(session.queue.data());
    for (uint32_t i = 0; i < session.queued; ++i) {
      Head head;
      std::memcpy(&head.args, p, sizeof head.args);
      Args args(p + sizeof head.args, head.args);
      head.command = find_command(args.next());
      if (is_container(head)) {
        head.names = 2;
        head.command = find_subcommand(head.command, args.next());
      }
      head.body = args.at();
      Call call = this->call(head);
      call.tag.bits |= Tag::kInExec | (i + 1 == session.queued ? Tag::kLastOfExec : 0);
      read(command_at(head.command), call);
      args.skip(args.left());
      p = args.at();
    }
  }
};

}  // namespace

goromdb_status parse(const Server& server, Conn& conn, goromdb_parse& io) {
  return Parser(server, conn, io).run();
}

}  // namespace goromdb::redis
