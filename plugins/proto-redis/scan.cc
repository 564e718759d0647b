// SPDX-License-Identifier: MIT
#include "scan.h"

#include <algorithm>
#include <vector>

#include "glob.h"
#include "numbers.h"
#include "replies.h"

namespace goromdb::redis {

namespace {

constexpr int64_t kMostAtOnce = 4096;  // entries of one answer: COUNT is a wish

bool passes(const Reply& reply, const ScanOptions& options, uint32_t i) {
  const goromdb_answer& answer = reply.answer;
  if (options.type) {
    const bool hash = answer.values[i].status == GOROMDB_IS_NAMESPACE;
    if (!is_word(*options.type, hash ? "hash" : "string")) return false;
  }
  return !options.pattern || glob_match(*options.pattern, view(answer.keys[i]));
}

}  // namespace

std::optional<uint64_t> scan_cursor(std::string_view text) {
  text = text.substr(0, text.find('\0'));
  if (text.empty()) return 0;
  const bool negative = text[0] == '-';
  if (negative || text[0] == '+') text.remove_prefix(1);
  const auto n = parse_number<uint64_t>(text);
  return n && negative ? 0 - *n : n;
}

std::string_view parse_scan_options(Args args, bool of_hash, ScanOptions& options) {
  while (args.left() > 0) {
    const std::string_view name = args.next();
    if (args.left() == 0) return kSyntaxError;
    if (is_word(name, "count")) {
      const auto count = integer(args.next());
      if (!count) return kNotAnInteger;
      if (*count < 1) return kSyntaxError;
      options.count = static_cast<uint32_t>(std::min(*count, kMostAtOnce));
    } else if (is_word(name, "match")) {
      options.pattern = args.next();
      if (options.pattern->size() > kLongestPattern) return kPatternTooLong;
    } else if (is_word(name, "type") && !of_hash) {
      options.type = args.next();
    } else {
      return kSyntaxError;
    }
  }
  return {};
}

void write_scan_page(Reply& reply, const ScanOptions& options, bool of_hash) {
  const goromdb_answer& answer = reply.answer;
  Resp& out = reply.out;
  std::vector<uint32_t> passed;
  const bool all = !options.type && (!options.pattern || options.pattern == "*");
  const uint32_t n = reply.request.op == GOROMDB_OP_WALK ? answer.n : 0;
  for (uint32_t i = 0; i < n && !all; ++i) {
    if (passes(reply, options, i)) passed.push_back(i);
  }
  const size_t count = all ? n : passed.size();
  out.array(2);
  out.bulk_number(answer.position);
  out.array(of_hash ? 2 * count : count);
  for (size_t i = 0; i < count; ++i) {
    const size_t entry = all ? i : passed[i];
    out.bulk(view(answer.keys[entry]));
    if (of_hash) out.value(answer.values[entry]);
  }
}

}  // namespace goromdb::redis
