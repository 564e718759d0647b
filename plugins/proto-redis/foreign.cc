// SPDX-License-Identifier: MIT
// Reads of types that there are none of: lists, sets, sorted sets, streams, places, counts. Every
// key is missing or of another type, so that a row's `missing` or WRONGTYPE answers, once redis
// would have looked for the key: what is wrong with the arguments comes first where it does there.
#include <cmath>
#include <cstdlib>
#include <string>

#include "numbers.h"
#include "reads.h"
#include "replies.h"
#include "scan.h"
#include "server_commands.h"

namespace goromdb::redis {

namespace {

constexpr std::string_view kNotAFloat = "ERR min or max is not a float";
constexpr std::string_view kNotALexItem = "ERR min or max not valid string range item";
constexpr std::string_view kBadStreamId =
    "ERR Invalid stream ID specified as stream command argument";
constexpr std::string_view kBeyondRange =
    "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807";

// True: no key is there. Else what there is has been said.
bool all_missing(Reply& reply) {
  if (write_failure(reply)) return false;
  for (uint32_t i = 0; i < reply.answer.n; ++i) {
    if (reply.answer.values[i].status == GOROMDB_NOT_FOUND) continue;
    reply.out.error(kWrongType);
    return false;
  }
  return true;
}

void write_missing_once(Reply& reply) {
  const Command& command = reply.command();
  const bool other = reply.out.three() && !command.missing3.empty();
  reply.out.raw(other ? command.missing3 : command.missing);
}

bool is_float(std::string_view text) {
  const std::string copy(text);
  char* end = nullptr;
  const double n = std::strtod(copy.c_str(), &end);
  return *end == '\0' && !std::isnan(n) && end == copy.c_str() + copy.size();
}
// A bound of a range of scores: a number, with `(` in front if it is left out itself.
bool is_score(std::string_view text) {
  return is_float(text.substr(text.starts_with('(') ? 1 : 0));
}
// A bound of a range of members.
bool is_lex_item(std::string_view text) {
  return text == "+" || text == "-" || text.starts_with('(') || text.starts_with('[');
}

bool is_stream_number(std::string_view digits) {
  if (digits.empty() || digits.size() > 20 || (digits[0] == '0' && digits.size() > 1)) return false;
  return parse_number<uint64_t>(digits).has_value();
}
bool is_stream_id(std::string_view text) {
  const size_t dash = text.find('-');
  return is_stream_number(text.substr(0, dash)) &&
         (dash == text.npos || is_stream_number(text.substr(dash + 1)));
}
bool is_stream_bound(std::string_view text) {
  if (text == "-" || text == "+") return true;
  return is_stream_id(text.substr(text.starts_with('(') ? 1 : 0));
}

// COUNT of SRANDMEMBER and ZRANDMEMBER.
std::string_view check_random_count(std::string_view text) {
  const auto count = integer(text);
  if (!count) return kNotAnInteger;
  return *count == INT64_MIN ? kBeyondRange : std::string_view();
}

// The keys behind a number of them, which is the argument `at`.
void read_keys_behind(Call& call, uint32_t at, uint32_t keys) {
  Args args = call.args();
  args.skip(at + 1);
  goromdb_request& request = call.add(GOROMDB_OP_GET);
  request.flags = GOROMDB_WANT_KIND;
  for (; keys > 0; --keys) call.key(request, args.next());
}

}  // namespace

goromdb_status write_missing(Reply& reply) {
  if (all_missing(reply)) write_missing_once(reply);
  return GOROMDB_OK;
}

// One for each argument behind the key.
goromdb_status write_missing_each(Reply& reply) {
  if (!all_missing(reply)) return GOROMDB_OK;
  reply.out.array(reply.tag.args - 1);
  for (uint32_t i = 1; i < reply.tag.args; ++i) write_missing_once(reply);
  return GOROMDB_OK;
}

// ---- lists ----

void read_integers_2_3(Call& call) {
  const Args args = call.args();
  if (!integer(args.peek(1)) || !integer(args.peek(2))) return call.error(kNotAnInteger);
  read_key(call);
}

void read_lpos(Call& call) {
  Args args = call.args();
  args.skip(2);
  while (args.left() > 0) {
    const std::string_view option = args.next();
    const bool rank = is_word(option, "rank"), count = is_word(option, "count");
    if (args.left() == 0 || !(rank || count || is_word(option, "maxlen"))) {
      return call.error(kSyntaxError);
    }
    const auto n = integer(args.next());
    if (!n) return call.error(kNotAnInteger);
    if (rank && *n == INT64_MIN) return call.error(kBeyondRange);
    if (rank && *n == 0) {
      return call.error(
          "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or "
          "use negative to start from the end of the list");
    }
    if (!rank && *n < 0) {
      return call.error(count ? "ERR COUNT can't be negative" : "ERR MAXLEN can't be negative");
    }
  }
  read_key(call);
}

goromdb_status write_missing_lpos(Reply& reply) {
  if (!all_missing(reply)) return GOROMDB_OK;
  Args args = reply.args();
  bool counts = false;
  for (args.skip(2); args.left() > 0; args.skip(1)) counts |= is_word(args.next(), "count");
  if (counts) {
    reply.out.array(0);
  } else {
    write_missing_once(reply);
  }
  return GOROMDB_OK;
}

// ---- sets ----

void read_random_member(Call& call) {
  Args args = call.args();
  args.next();
  const bool sorted = call.command().name.starts_with('z');
  if (args.left() > 0) {
    if (!sorted && args.left() > 1) return call.error(kSyntaxError);
    if (const auto error = check_random_count(args.next()); !error.empty()) {
      return call.error(error);
    }
    if (args.left() > 0 && (!is_word(args.next(), "withscores") || args.left() > 0)) {
      return call.error(kSyntaxError);
    }
  }
  read_key(call);
}

goromdb_status write_missing_random(Reply& reply) {
  if (!all_missing(reply)) return GOROMDB_OK;
  if (reply.tag.args > 1) {
    reply.out.array(0);
  } else {
    write_missing_once(reply);
  }
  return GOROMDB_OK;
}

void read_foreign_scan(Call& call) {
  if (!scan_cursor(call.args().peek(1))) return call.error(kBadCursor);
  read_key(call);
}

// SINTERCARD
void read_intercard(Call& call) {
  Args args = call.args();
  const auto count = integer(args.next());
  if (!count || *count < 1) return call.error("ERR numkeys should be greater than 0");
  if (*count > args.left()) {
    return call.error("ERR Number of keys can't be greater than number of args");
  }
  args.skip(static_cast<uint32_t>(*count));
  while (args.left() > 0) {
    if (!is_word(args.next(), "limit") || args.left() == 0) return call.error(kSyntaxError);
    const auto limit = integer(args.next());
    if (!limit || *limit < 0) return call.error("ERR LIMIT can't be negative");
  }
  read_keys_behind(call, 0, static_cast<uint32_t>(*count));
}

// ---- sorted sets ----

// ZDIFF, ZINTER, ZUNION, ZINTERCARD: the keys' types come before the options.
void read_numbered_keys(Call& call) {
  Args args = call.args();
  const auto count = integer(args.next());
  if (!count) return call.error(kNotAnInteger);
  if (*count < 1) {
    const std::string_view name = call.command().name;
    return call.error(name == "zdiff"    ? "ERR at least 1 input key is needed for 'zdiff' command"
                      : name == "zinter" ? "ERR at least 1 input key is needed for 'zinter' command"
                      : name == "zunion"
                          ? "ERR at least 1 input key is needed for 'zunion' command"
                          : "ERR at least 1 input key is needed for 'zintercard' command");
  }
  if (*count > args.left()) return call.error(kSyntaxError);
  read_keys_behind(call, 0, static_cast<uint32_t>(*count));
}

goromdb_status write_missing_numbered(Reply& reply) {
  if (!all_missing(reply)) return GOROMDB_OK;
  const std::string_view name = reply.command().name;
  const bool card = name == "zintercard", weighs = name == "zinter" || name == "zunion";
  Args args = reply.args();
  const auto keys = static_cast<uint32_t>(*integer(args.next()));
  args.skip(keys);
  while (args.left() > 0) {
    const std::string_view option = args.next();
    if (weighs && is_word(option, "weights") && args.left() >= keys) {
      for (uint32_t i = 0; i < keys; ++i) {
        if (is_float(args.next())) continue;
        return reply.out.error("ERR weight value is not a float"), GOROMDB_OK;
      }
    } else if (weighs && is_word(option, "aggregate") && args.left() > 0) {
      const std::string_view how = args.next();
      if (!is_word(how, "sum") && !is_word(how, "min") && !is_word(how, "max")) {
        return reply.out.error(kSyntaxError), GOROMDB_OK;
      }
    } else if (card && is_word(option, "limit") && args.left() > 0) {
      const auto limit = integer(args.next());
      if (!limit || *limit < 0) return reply.out.error("ERR LIMIT can't be negative"), GOROMDB_OK;
    } else if (card || !is_word(option, "withscores")) {
      return reply.out.error(kSyntaxError), GOROMDB_OK;
    }
  }
  write_missing_once(reply);
  return GOROMDB_OK;
}

void read_score_range(Call& call) {
  const Args args = call.args();
  if (!is_score(args.peek(1)) || !is_score(args.peek(2))) return call.error(kNotAFloat);
  read_key(call);
}

void read_lex_range(Call& call) {
  const Args args = call.args();
  if (!is_lex_item(args.peek(1)) || !is_lex_item(args.peek(2))) return call.error(kNotALexItem);
  read_key(call);
}

// ZRANGE and the older commands that are forms of it.
void read_sorted_range(Call& call) {
  const std::string_view name = call.command().name;
  const bool plain = name == "zrange";
  bool by_score = name.ends_with("byscore"), by_lex = name.ends_with("bylex");
  bool by_any = !plain, scores = false, limit = false;
  Args args = call.args();
  for (args.skip(3); args.left() > 0;) {
    const std::string_view option = args.next();
    if (is_word(option, "withscores")) {
      scores = true;
    } else if (is_word(option, "limit") && args.left() >= 2) {
      limit = true;
      if (!integer(args.next()) || !integer(args.next())) return call.error(kNotAnInteger);
    } else if (!by_any && (is_word(option, "bylex") || is_word(option, "byscore"))) {
      by_any = true;
      by_lex = is_word(option, "bylex");
      by_score = !by_lex;
    } else if (!plain || !is_word(option, "rev")) {
      return call.error(kSyntaxError);
    }
  }
  if (limit && !by_score && !by_lex) {
    return call.error(
        "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX");
  }
  if (scores && by_lex) {
    return call.error("ERR syntax error, WITHSCORES not supported in combination with BYLEX");
  }
  if (by_score) return read_score_range(call);
  if (by_lex) return read_lex_range(call);
  read_integers_2_3(call);
}

// ---- streams ----

void read_stream_range(Call& call) {
  Args args = call.args();
  args.next();
  if (!is_stream_bound(args.next()) || !is_stream_bound(args.next())) {
    return call.error(kBadStreamId);
  }
  while (args.left() > 0) {
    if (!is_word(args.next(), "count") || args.left() == 0) return call.error(kSyntaxError);
    if (!integer(args.next())) return call.error(kNotAnInteger);
  }
  read_key(call);
}

void read_xpending(Call& call) {
  Args args = call.args();
  if (args.left() != 2 && (args.left() < 5 || args.left() > 8)) return call.error(kSyntaxError);
  if (args.left() > 2) {
    args.skip(2);
    if (is_word(args.peek(), "idle")) {
      args.next();
      if (!integer(args.next())) return call.error(kNotAnInteger);
      if (args.left() < 3) return call.error(kSyntaxError);
    }
    if (!integer(args.peek(2))) return call.error(kNotAnInteger);
    if (!is_stream_bound(args.next()) || !is_stream_bound(args.next())) {
      return call.error(kBadStreamId);
    }
  }
  read_key(call);
}

goromdb_status write_xpending(Reply& reply) {
  if (!all_missing(reply)) return GOROMDB_OK;
  Args args = reply.args();
  const std::string key(args.next()), group(args.next());
  reply.out.error(one_line("NOGROUP No such key '" + key + "' or consumer group '" + group + "'"));
  return GOROMDB_OK;
}

// BLOCK does not wait: nothing is ever added.
void read_xread(Call& call) {
  Args args = call.args();
  while (args.left() > 0) {
    const std::string_view option = args.next();
    const bool block = is_word(option, "block");
    if ((block || is_word(option, "count")) && args.left() > 0) {
      const auto n = integer(args.next());
      if (block && !n) return call.error("ERR timeout is not an integer or out of range");
      if (block && *n < 0) return call.error("ERR timeout is negative");
      if (!n) return call.error(kNotAnInteger);
    } else if (is_word(option, "streams") && args.left() > 0) {
      if (args.left() % 2 != 0) {
        return call.error(
            "ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be "
            "specified.");
      }
      break;
    } else {
      return call.error(kSyntaxError);
    }
  }
  if (args.left() == 0) return call.error(kSyntaxError);
  const uint32_t streams = args.left() / 2;
  Args ids = args;
  ids.skip(streams);
  while (ids.left() > 0) {
    const std::string_view id = ids.next();
    if (id != "$" && !is_stream_id(id)) return call.error(kBadStreamId);
  }
  goromdb_request& request = call.add(GOROMDB_OP_GET);
  request.flags = GOROMDB_WANT_KIND;
  for (uint32_t i = 0; i < streams; ++i) call.key(request, args.next());
}

// ---- the rest ----

void read_geodist(Call& call) {
  const Args args = call.args();
  if (args.left() > 4) return call.error(kSyntaxError);
  if (args.left() == 4) {
    const std::string_view unit = args.peek(3);
    if (!is_word(unit, "m") && !is_word(unit, "km") && !is_word(unit, "ft") &&
        !is_word(unit, "mi")) {
      return call.error("ERR unsupported unit provided. please use M, KM, FT, MI");
    }
  }
  read_key(call);
}

// Strings there are, but none that PFADD made.
goromdb_status write_pfcount(Reply& reply) {
  if (write_failure(reply)) return GOROMDB_OK;
  for (uint32_t i = 0; i < reply.answer.n; ++i) {
    const goromdb_status status = reply.answer.values[i].status;
    if (status == GOROMDB_NOT_FOUND) continue;
    reply.out.error(status == GOROMDB_OK ? "WRONGTYPE Key is not a valid HyperLogLog string value."
                                         : kWrongType);
    return GOROMDB_OK;
  }
  write_missing_once(reply);
  return GOROMDB_OK;
}

}  // namespace goromdb::redis
