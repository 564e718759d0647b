// SPDX-License-Identifier: MIT
// LCS: the longest common subsequence of two strings.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "numbers.h"
#include "reads.h"
#include "replies.h"

namespace goromdb::redis {

namespace {

// Cells of the table of lengths: 16 MiB and about ten milliseconds, that the loop is held up for.
constexpr uint64_t kMostCells = 4 << 20;

struct LcsOptions {
  bool length = false, matches = false, match_lengths = false;
  int64_t shortest = 0;  // match that is told
};

std::string_view parse(Args args, LcsOptions& options) {
  args.skip(2);
  while (args.left() > 0) {
    const std::string_view option = args.next();
    if (is_word(option, "len")) {
      options.length = true;
    } else if (is_word(option, "idx")) {
      options.matches = true;
    } else if (is_word(option, "withmatchlen")) {
      options.match_lengths = true;
    } else if (is_word(option, "minmatchlen") && args.left() > 0) {
      const auto shortest = integer(args.next());
      if (!shortest) return kNotAnInteger;
      options.shortest = std::max<int64_t>(*shortest, 0);
    } else {
      return kSyntaxError;
    }
  }
  if (options.length && options.matches) {
    return "ERR If you want both the length and indexes, please just use IDX.";
  }
  return {};
}

// Bytes [a, a + len) of one string that are [b, b + len) of the other.
struct Match {
  uint32_t a, b, len;
};

class LengthTable {
 public:
  LengthTable(std::string_view a, std::string_view b)
      : a_(a), b_(b), lengths_((a.size() + 1) * (b.size() + 1)) {
    for (uint32_t i = 1; i <= a.size(); ++i) {
      for (uint32_t j = 1; j <= b.size(); ++j) {
        at(i, j) =
            a[i - 1] == b[j - 1] ? at(i - 1, j - 1) + 1 : std::max(at(i - 1, j), at(i, j - 1));
      }
    }
  }
  uint32_t length() {
    return at(static_cast<uint32_t>(a_.size()), static_cast<uint32_t>(b_.size()));
  }

  // From the ends of the strings to their beginnings. Bytes next to each other in both are one.
  std::vector<Match> matches() {
    std::vector<Match> found;
    auto i = static_cast<uint32_t>(a_.size()), j = static_cast<uint32_t>(b_.size());
    while (i > 0 && j > 0) {
      if (a_[i - 1] == b_[j - 1]) {
        --i;
        --j;
        if (!found.empty() && found.back().a == i + 1 && found.back().b == j + 1) {
          found.back() = {i, j, found.back().len + 1};
        } else {
          found.push_back({i, j, 1});
        }
      } else if (at(i - 1, j) > at(i, j - 1)) {
        --i;
      } else {
        --j;
      }
    }
    return found;
  }

 private:
  uint32_t& at(uint32_t i, uint32_t j) { return lengths_[i * (b_.size() + 1) + j]; }

  std::string_view a_, b_;
  std::vector<uint32_t> lengths_;
};

std::string_view value_text(const goromdb_value& value) {
  if (value.status != GOROMDB_OK) return {};
  return {static_cast<const char*>(value.ptr), value.len};
}

void write_bounds(Resp& out, uint32_t begin, uint32_t len) {
  out.array(2);
  out.integer(begin);
  out.integer(int64_t{begin} + len - 1);
}

void write_matches(Resp& out, const std::vector<Match>& matches, uint32_t length,
                   bool with_lengths) {
  out.map(2);
  out.bulk("matches");
  out.array(matches.size());
  for (const Match& match : matches) {
    out.array(with_lengths ? 3 : 2);
    write_bounds(out, match.a, match.len);
    write_bounds(out, match.b, match.len);
    if (with_lengths) out.integer(match.len);
  }
  out.bulk("len");
  out.integer(length);
}

}  // namespace

void read_lcs(Call& call) {
  Args args = call.args();
  goromdb_request& request = call.add(GOROMDB_OP_GET);
  request.flags = GOROMDB_WANT_KIND;
  call.key(request, args.next());
  call.key(request, args.next());
}

goromdb_status write_lcs(Reply& reply) {
  if (write_failure(reply)) return GOROMDB_OK;
  const goromdb_value* values = reply.answer.values;
  Resp& out = reply.out;
  if (values[0].status == GOROMDB_IS_NAMESPACE || values[1].status == GOROMDB_IS_NAMESPACE) {
    return out.error("ERR The specified keys must contain string values"), GOROMDB_OK;
  }
  LcsOptions options;
  if (const auto error = parse(reply.args(), options); !error.empty()) {
    return out.error(error), GOROMDB_OK;
  }
  const std::string_view a = value_text(values[0]), b = value_text(values[1]);
  if ((a.size() + 1) * (b.size() + 1) > kMostCells) {
    out.error("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
    return GOROMDB_OK;
  }
  LengthTable table(a, b);
  if (options.length) return out.integer(table.length()), GOROMDB_OK;
  std::vector<Match> matches = table.matches();
  if (options.matches) {
    std::erase_if(matches, [&](const Match& match) { return match.len < options.shortest; });
    write_matches(out, matches, table.length(), options.match_lengths);
    return GOROMDB_OK;
  }
  std::string common;
  for (auto match = matches.rbegin(); match != matches.rend(); ++match) {
    common.append(a.substr(match->a, match->len));
  }
  out.bulk(common);
  return GOROMDB_OK;
}

}  // namespace goromdb::redis
