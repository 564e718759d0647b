// SPDX-License-Identifier: MIT
// Prints the sections of `stats`. Facts that no row of the tables names, which are the metrics of
// plugins, follow under their own names.
#include "stats.h"

#include <goromdb/facts.hpp>

#include <algorithm>
#include <cstdint>

#include "binary.h"
#include "stats_names.h"
#include "texts.h"

namespace goromdb::memcached {

namespace {

constexpr size_t kMostAdded = 32;  // bytes of a value that its fact does not have

// A value is one line whatever it holds: a database may bear any name.
uint8_t* put_line(uint8_t* cursor, std::string_view text) {
  for (char byte : text) *cursor++ = static_cast<uint8_t>(printable(byte));
  return cursor;
}

uint8_t* put_seconds(uint8_t* cursor, std::string_view microseconds) {
  const uint64_t us = parse_number<uint64_t>(microseconds).value_or(0);
  cursor = put_number(cursor, us / 1000000);
  char fraction[7] = {'.', '0', '0', '0', '0', '0', '0'};
  uint64_t rest = us % 1000000;
  for (size_t i = 6; rest > 0; --i, rest /= 10) fraction[i] = static_cast<char>('0' + rest % 10);
  return put(cursor, {fraction, sizeof fraction});
}

uint8_t* put_value(uint8_t* cursor, Form form, std::string_view fact) {
  const ListenAddress listen(fact);
  switch (form) {
    case Form::kPlain:
      return put_line(cursor, fact);
    case Form::kSeconds:
      return put_seconds(cursor, fact);
    case Form::kAddress:
      return put_line(put(cursor, listen.path.empty() ? "tcp:" : ""), fact);
    case Form::kPort:
      return put_line(cursor, listen.port);
    case Form::kHost:
      return put_line(cursor, listen.host);
    case Form::kSocketPath:
      return put_line(cursor, listen.path.empty() ? "NULL" : listen.path);
    case Form::kState:
      return put(cursor, "conn_read");
  }
  return cursor;
}

// Where the rows go: lines or packets.
class Rows {
 public:
  Rows(const goromdb_request& request, bool binary, Writer& out)
      : head_(ReplyHead::of(request)), binary_(binary), out_(out) {}

  // `number`: of a connection, with its colon, or empty.
  void put_row(std::string_view number, std::string_view name, Form form, std::string_view fact) {
    uint8_t* begin =
        out_.reserve(kPacketHead + number.size() + name.size() + fact.size() + kMostAdded);
    if (begin == nullptr) return;
    const size_t name_size = number.size() + name.size();
    uint8_t* cursor = binary_ ? begin + kPacketHead : put(begin, "STAT ");
    cursor = put(put_line(cursor, number), name);
    if (!binary_) *cursor++ = ' ';
    uint8_t* value = cursor;
    cursor = put_value(cursor, form, fact);
    if (binary_) {
      put_head(begin, head_, 0, name_size, static_cast<size_t>(cursor - value));
    } else {
      cursor = put(cursor, "\r\n");
    }
    out_.commit(cursor);
  }
  void end() {
    if (!binary_) return out_.put(text::kEnd);
    uint8_t* cursor = out_.reserve(kPacketHead);
    if (cursor != nullptr) out_.commit(put_head(cursor, head_, 0, 0, 0));
  }

 private:
  ReplyHead head_;
  bool binary_;
  Writer& out_;
};

void put_table(std::span<const StatName> table, const FactView& facts, Rows& rows) {
  for (const StatName& row : table) {
    const auto fact = row.fact.empty() ? std::nullopt : facts.find(row.fact);
    if (fact) {
      rows.put_row("", row.name, row.form, *fact);
    } else {
      rows.put_row("", row.name, Form::kPlain, row.constant);
    }
  }
  for (size_t i = 0; i < facts.size(); ++i) {
    bool named = std::ranges::find(table, facts.name(i), &StatName::fact) != table.end();
    if (!named) rows.put_row(facts.name(i), "", Form::kPlain, facts.value(i));
  }
}

// `N:addr` and so on: the table holds what follows the number of the connection.
void put_connections(std::span<const StatName> table, const FactView& facts, Rows& rows) {
  for (size_t i = 0; i < facts.size(); ++i) {
    std::string_view fact = facts.name(i);
    size_t colon = fact.find(':');
    if (colon == fact.npos) continue;
    auto row = std::ranges::find(table, fact.substr(colon + 1), &StatName::fact);
    if (row == table.end()) continue;
    rows.put_row(fact.substr(0, colon + 1), row->name, row->form, facts.value(i));
  }
}

}  // namespace

void write_stats(const goromdb_request& request, bool binary, std::string_view version,
                 const goromdb_answer& answer, Writer& out) {
  const std::string_view section = view(request.arg);
  const FactView facts(answer);
  Rows rows(request, binary, out);
  if (section == "connections") {
    put_connections(connection_names(), facts, rows);
  } else if (section == "settings") {
    put_table(settings_names(), facts, rows);
  } else {
    rows.put_row("", "version", Form::kPlain, version);
    put_table(general_names(), facts, rows);
  }
  rows.end();
}

}  // namespace goromdb::memcached
