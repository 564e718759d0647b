// SPDX-License-Identifier: MIT
#include "command_docs.h"

#include <algorithm>
#include <bit>
#include <string>
#include <vector>

#include "command_names.h"
#include "glob.h"
#include "key_positions.h"
#include "replies.h"
#include "server_commands.h"

namespace goromdb::redis {

namespace {

// Names that one COMMAND INFO or DOCS may ask for: a few bytes of a request make a long reply.
constexpr uint32_t kMostNames = 4096;

// Commands that no client is meant to send.
constexpr std::string_view kSystemCommands[] = {"debug", "pfdebug", "pfselftest", "replconf",
                                                "restore-asking"};

std::vector<std::string_view> split(std::string_view words) {
  std::vector<std::string_view> parts;
  while (!words.empty()) {
    parts.push_back(words.substr(0, words.find(' ')));
    words.remove_prefix(std::min(parts.back().size() + 1, words.size()));
  }
  return parts;
}

// The names of the bits that are set, each behind `prefix`.
void put_bits(Resp& out, uint32_t bits, std::span<const std::string_view> names,
              std::string_view prefix = {}) {
  out.set(static_cast<size_t>(std::popcount(bits)));
  for (size_t i = 0; i < names.size(); ++i) {
    if ((bits >> i & 1) != 0) out.simple(std::string(prefix).append(names[i]));
  }
}

void put_words(Resp& out, std::string_view words) {
  const auto parts = split(words);
  out.set(parts.size());
  for (std::string_view part : parts) out.simple(part);
}

void put_number(Resp& out, std::string_view name, int64_t number) {
  out.bulk(name);
  out.integer(number);
}

void put_text(Resp& out, std::string_view name, std::string_view text) {
  out.bulk(name);
  out.bulk(text);
}

// The head of begin_search and find_keys: their type, and a map of `fields` fields to follow.
void put_search(Resp& out, std::string_view name, std::string_view type, size_t fields) {
  out.bulk(name);
  out.map(2);
  put_text(out, "type", type);
  out.bulk("spec");
  out.map(fields);
}

void put_key_spec(Resp& out, const KeySpec& spec) {
  out.map(spec.notes.empty() ? 3 : 4);
  if (!spec.notes.empty()) put_text(out, "notes", spec.notes);
  out.bulk("flags");
  put_words(out, spec.flags);
  if (spec.begin_unknown) {
    put_search(out, "begin_search", "unknown", 0);
  } else if (spec.keyword.empty()) {
    put_search(out, "begin_search", "index", 1);
    put_number(out, "index", spec.index);
  } else {
    put_search(out, "begin_search", "keyword", 2);
    put_text(out, "keyword", spec.keyword);
    put_number(out, "startfrom", spec.start_from);
  }
  if (spec.find_unknown) {
    put_search(out, "find_keys", "unknown", 0);
  } else if (spec.keynum) {
    put_search(out, "find_keys", "keynum", 3);
    put_number(out, "keynumidx", spec.keynum_index);
    put_number(out, "firstkey", spec.keynum_first);
    put_number(out, "keystep", spec.keynum_step);
  } else {
    put_search(out, "find_keys", "range", 3);
    put_number(out, "lastkey", spec.last_key);
    put_number(out, "keystep", spec.key_step);
    put_number(out, "limit", spec.limit);
  }
}

void put_info(Resp& out, uint16_t id) {
  const Command& command = command_at(id);
  out.array(10);
  out.bulk(full_name(id));
  out.integer(command.arity);
  put_bits(out, command.flags, flag_names());
  out.integer(command.keys.first);
  out.integer(command.keys.last);
  out.integer(command.keys.step);
  put_bits(out, command.categories, category_names(), "@");
  const auto tips = split(command.tips);
  out.set(tips.size());
  for (std::string_view tip : tips) out.bulk(tip);
  out.set(command.key_specs.size());
  for (const KeySpec& spec : command.key_specs) put_key_spec(out, spec);
  if (command.subcommands.empty()) return out.set(0);  // redis does so
  out.array(command.subcommands.size());
  for (size_t i = 0; i < command.subcommands.size(); ++i) {
    put_info(out, static_cast<uint16_t>(id + 1 + i));
  }
}

void put_argument(Resp& out, const Argument& argument) {
  const bool key = argument.key_spec >= 0;
  const size_t fields = size_t{2} + key + !argument.token.empty() + !argument.since.empty() +
                        !argument.flags.empty() + !argument.arguments.empty();
  out.map(fields);
  put_text(out, "name", argument.name);
  put_text(out, "type", argument.type);
  if (key) put_number(out, "key_spec_index", argument.key_spec);
  if (!argument.token.empty()) put_text(out, "token", argument.token);
  if (!argument.since.empty()) put_text(out, "since", argument.since);
  if (!argument.flags.empty()) {
    out.bulk("flags");
    put_words(out, argument.flags);
  }
  if (!argument.arguments.empty()) {
    out.bulk("arguments");
    out.array(argument.arguments.size());
    for (const Argument& inner : argument.arguments) put_argument(out, inner);
  }
}

// A command's name and its map of documentation.
void put_docs(Resp& out, uint16_t id) {
  const Command& command = command_at(id);
  const bool deprecated = !command.deprecated_since.empty();
  const bool system = std::ranges::find(kSystemCommands, command.name) != std::end(kSystemCommands);
  out.bulk(full_name(id));
  out.map(size_t{4} + (deprecated ? 3 : 0) + system + !command.arguments.empty() +
          !command.subcommands.empty());
  put_text(out, "summary", command.summary);
  put_text(out, "since", command.since);
  put_text(out, "group", group_of(id));
  put_text(out, "complexity", command.complexity);
  if (deprecated || system) {
    out.bulk("doc_flags");
    put_words(out, deprecated ? "deprecated" : "syscmd");
  }
  if (deprecated) {
    put_text(out, "deprecated_since", command.deprecated_since);
    put_text(out, "replaced_by", command.replaced_by);
  }
  if (!command.arguments.empty()) {
    out.bulk("arguments");
    out.array(command.arguments.size());
    for (const Argument& argument : command.arguments) put_argument(out, argument);
  }
  if (!command.subcommands.empty()) {
    out.bulk("subcommands");
    out.map(command.subcommands.size());
    for (size_t i = 0; i < command.subcommands.size(); ++i) {
      put_docs(out, static_cast<uint16_t>(id + 1 + i));
    }
  }
}

size_t count_commands() {
  size_t count = 0;
  for (const Group& group : groups()) count += group.commands.size();
  return count;
}

template <class Put>
void put_all(Put&& put) {
  for (const Group& group : groups()) {
    for (const Command& command : group.commands) put(find_command(command.name));
  }
}

bool too_many(Reply& reply) {
  if (reply.args().left() <= kMostNames) return false;
  reply.out.error("ERR too many names, ask for fewer at once");
  return true;
}

void put_names(Resp& out, const std::vector<std::string>& names) {
  out.array(names.size());
  for (const std::string& name : names) out.bulk(name);
}

// The words of the line that GETKEYS is asked about, its command, and where that has keys; nothing
// behind an error.
struct Line {
  std::vector<std::string_view> words{};
  std::vector<KeyUse> keys{};
};
Line look_at(Reply& reply) {
  Line line;
  for (Args args = reply.args(); args.left() > 0;) line.words.push_back(args.next());
  const auto fail = [&](std::string_view text) {
    reply.out.error(text);
    return Line{};
  };
  uint16_t id = find_command(line.words[0]);
  if (id != kNoCommand && !command_at(id).subcommands.empty() && line.words.size() > 1) {
    id = find_subcommand(id, line.words[1]);
  }
  if (id == kNoCommand) return fail("ERR Invalid command specified");
  const Command& command = command_at(id);
  if (!has_keys(command)) return fail("ERR The command has no key arguments");
  if (!takes(command, static_cast<uint32_t>(line.words.size()))) {
    return fail("ERR Invalid number of arguments specified for command");
  }
  line.keys = keys_of(command, line.words);
  if (line.keys.empty()) return fail("ERR Invalid arguments specified for command");
  return line;
}

// "[COUNT <count>] <key> [<key> ...]": what a command takes, for people.
std::string usage(std::span<const Argument> arguments, std::string_view between = " ");

std::string usage(const Argument& argument) {
  std::string text;
  if (argument.type == "pure-token") {
    text = argument.token;
  } else {
    if (argument.type == "oneof") {
      text = "(" + usage(argument.arguments, "|") + ")";
    } else if (argument.type == "block") {
      text = usage(argument.arguments);
    } else {
      text = "<" + std::string(argument.name) + ">";
    }
    const bool each = argument.flags.find("multiple_token") != argument.flags.npos;
    std::string again = each ? std::string(argument.token) + " " + text : text;
    if (!argument.token.empty()) text = std::string(argument.token) + " " + text;
    if (argument.flags.find("multiple") != argument.flags.npos) text += " [" + again + " ...]";
  }
  const bool optional = argument.flags.find("optional") != argument.flags.npos;
  return optional ? "[" + text + "]" : text;
}

std::string usage(std::span<const Argument> arguments, std::string_view between) {
  std::string text;
  for (const Argument& argument : arguments) {
    if (!text.empty()) text += between;
    text += usage(argument);
  }
  return text;
}

std::string upper(std::string_view name) {
  std::string text(name);
  for (char& letter : text) letter = to_upper(letter);
  return text;
}

}  // namespace

goromdb_status write_command(Reply& reply) {
  reply.out.array(count_commands());
  put_all([&](uint16_t id) { put_info(reply.out, id); });
  return GOROMDB_OK;
}

goromdb_status write_command_count(Reply& reply) {
  reply.out.integer(static_cast<int64_t>(count_commands()));
  return GOROMDB_OK;
}

goromdb_status write_command_info(Reply& reply) {
  Args args = reply.args();
  if (args.left() == 0) return write_command(reply);
  if (too_many(reply)) return GOROMDB_OK;
  reply.out.array(args.left());
  while (args.left() > 0) {
    const uint16_t id = find_full_name(args.next());
    if (id == kNoCommand) {
      reply.out.null();
    } else {
      put_info(reply.out, id);
    }
  }
  return GOROMDB_OK;
}

goromdb_status write_command_docs(Reply& reply) {
  Args args = reply.args();
  if (args.left() == 0) {
    reply.out.map(count_commands());
    put_all([&](uint16_t id) { put_docs(reply.out, id); });
    return GOROMDB_OK;
  }
  if (too_many(reply)) return GOROMDB_OK;
  std::vector<uint16_t> found;
  while (args.left() > 0) {
    const uint16_t id = find_full_name(args.next());
    if (id != kNoCommand) found.push_back(id);
  }
  reply.out.map(found.size());
  for (uint16_t id : found) put_docs(reply.out, id);
  return GOROMDB_OK;
}

goromdb_status write_command_list(Reply& reply) {
  Args args = reply.args();
  std::vector<std::string> names;
  if (args.left() == 0) {
    for_each_row([&](uint16_t id, const Command&) { names.push_back(full_name(id)); });
    put_names(reply.out, names);
    return GOROMDB_OK;
  }
  const bool filter = args.left() == 3 && is_word(args.next(), "filterby");
  const std::string_view kind = args.next(), wanted = args.next();
  if (filter && is_word(kind, "aclcat")) {
    const uint32_t category = category_of(wanted);
    for_each_row([&](uint16_t id, const Command& command) {
      if ((command.categories & category) != 0) names.push_back(full_name(id));
    });
  } else if (filter && is_word(kind, "pattern")) {
    for_each_row([&](uint16_t id, const Command&) {
      if (std::string name = full_name(id); glob_match(wanted, name, Case::kIgnore)) {
        names.push_back(std::move(name));
      }
    });
  } else if (!filter || !is_word(kind, "module")) {
    reply.out.error(kSyntaxError);
    return GOROMDB_OK;
  }
  put_names(reply.out, names);
  return GOROMDB_OK;
}

goromdb_status write_command_keys(Reply& reply) {
  const Line line = look_at(reply);
  if (line.words.empty()) return GOROMDB_OK;
  reply.out.array(line.keys.size());
  for (const KeyUse& key : line.keys) reply.out.bulk(line.words[key.word]);
  return GOROMDB_OK;
}

goromdb_status write_command_keys_and_flags(Reply& reply) {
  const Line line = look_at(reply);
  if (line.words.empty()) return GOROMDB_OK;
  reply.out.array(line.keys.size());
  for (const KeyUse& key : line.keys) {
    reply.out.array(2);
    reply.out.bulk(line.words[key.word]);
    put_words(reply.out, key.flags);
  }
  return GOROMDB_OK;
}

goromdb_status write_help(Reply& reply) {
  const Command& container = *container_of(reply.tag.command);
  const bool alone = container.write != nullptr;  // runs without a subcommand, too
  Resp& out = reply.out;
  out.array(1 + 2 * (container.subcommands.size() + (alone ? 1 : 0)));
  out.simple(upper(container.name) + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
  const auto put = [&](std::string_view how, std::string_view what) {
    out.simple(how);
    out.simple("    " + std::string(what) + ".");
  };
  if (alone) put("(no subcommand)", container.summary);
  for (const Command& command : container.subcommands) {
    const std::string arguments = usage(command.arguments);
    put(upper(command.name) + (arguments.empty() ? "" : " " + arguments), command.summary);
  }
  return GOROMDB_OK;
}

}  // namespace goromdb::redis
