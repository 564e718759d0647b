// SPDX-License-Identifier: MIT
// Prints the sections of `stats`. Facts that no row of the tables names, which are the metrics of
// plugins, follow under their own names.
#include "stats.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "stats_names.h"
#include "texts.h"

namespace goromdb::memcached {

namespace {

struct Facts {
  std::span<const goromdb_slice> slices;

  size_t size() const { return slices.size() / 2; }
  std::string_view name(size_t i) const { return view(slices[2 * i]); }
  std::string_view value(size_t i) const { return view(slices[2 * i + 1]); }
  // The fact's value, or nullptr when the core does not know it.
  const goromdb_slice* find(std::string_view wanted) const {
    for (size_t i = 0; i < size(); ++i) {
      if (name(i) == wanted) return &slices[2 * i + 1];
    }
    return nullptr;
  }
};

// A value is one line whatever it holds: a database may bear any name.
void put_line(std::string_view text, Writer& out) {
  for (char byte : text) {
    bool control = static_cast<uint8_t>(byte) < ' ' || byte == '\x7f';
    out.put(control ? "?" : std::string_view(&byte, 1));
  }
}

void put_seconds(std::string_view microseconds, Writer& out) {
  uint64_t us = 0;
  std::from_chars(microseconds.data(), microseconds.data() + microseconds.size(), us);
  out.put_number(us / 1000000);
  char fraction[7] = {'.', '0', '0', '0', '0', '0', '0'};
  uint64_t rest = us % 1000000;
  for (size_t i = 6; rest > 0; --i, rest /= 10) fraction[i] = static_cast<char>('0' + rest % 10);
  out.put({fraction, sizeof fraction});
}

void put_address(std::string_view address, Writer& out) {
  if (!address.starts_with("unix:")) out.put("tcp:");
  put_line(address, out);
}

void put_value(Form form, std::string_view fact, Writer& out) {
  constexpr std::string_view kUnix = "unix:";
  size_t colon = fact.rfind(':');
  bool is_socket = fact.starts_with(kUnix);
  switch (form) {
    case Form::kPlain:
      return put_line(fact, out);
    case Form::kSeconds:
      return put_seconds(fact, out);
    case Form::kAddress:
      return put_address(fact, out);
    case Form::kPort:
      return put_line(is_socket || colon == fact.npos ? "0" : fact.substr(colon + 1), out);
    case Form::kHost:
      return put_line(is_socket || colon == fact.npos ? "" : fact.substr(0, colon), out);
    case Form::kSocketPath:
      return put_line(is_socket ? fact.substr(kUnix.size()) : "NULL", out);
  }
}

void put_row(std::string_view name, Form form, std::string_view fact, Writer& out) {
  out.put("STAT ");
  put_line(name, out);
  out.put(" ");
  put_value(form, fact, out);
  out.put("\r\n");
}

void put_table(std::span<const StatName> table, const Facts& facts, Writer& out) {
  for (const StatName& row : table) {
    const goromdb_slice* fact = row.fact.empty() ? nullptr : facts.find(row.fact);
    if (fact != nullptr) {
      put_row(row.name, row.form, view(*fact), out);
    } else {
      put_row(row.name, Form::kPlain, row.constant, out);
    }
  }
  for (size_t i = 0; i < facts.size(); ++i) {
    bool named = std::ranges::find(table, facts.name(i), &StatName::fact) != table.end();
    if (!named) put_row(facts.name(i), Form::kPlain, facts.value(i), out);
  }
}

// `N:addr` and so on: the table holds what follows the number of the connection.
void put_connections(std::span<const StatName> table, const Facts& facts, Writer& out) {
  for (size_t i = 0; i < facts.size(); ++i) {
    std::string_view fact = facts.name(i);
    size_t colon = fact.find(':');
    if (colon == fact.npos) continue;
    auto row = std::ranges::find(table, fact.substr(colon + 1), &StatName::fact);
    if (row == table.end()) continue;
    out.put("STAT ");
    put_line(fact.substr(0, colon + 1), out);
    out.put(row->name);
    out.put(" ");
    put_value(row->form, facts.value(i), out);
    out.put("\r\n");
  }
}

}  // namespace

void write_stats(std::string_view section, std::string_view version, const goromdb_answer& answer,
                 Writer& out) {
  Facts facts{std::span(answer.pairs, answer.npairs)};
  if (section == "connections") {
    put_connections(connection_names(), facts, out);
  } else if (section == "settings") {
    put_table(settings_names(), facts, out);
  } else {
    put_row("version", Form::kPlain, version, out);
    put_table(general_names(), facts, out);
  }
  out.put(text::kEnd);
}

}  // namespace goromdb::memcached
