// SPDX-License-Identifier: MIT
// Runs one command's write() as the engine would, without a parser or a core: words in, bytes out.
#pragma once

#include <goromdb/sdk.hpp>

#include <fake_host.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "../command_names.h"
#include "../reply.h"
#include "../server.h"
#include "../slowlog.h"

namespace goromdb::redis::test {

// The server and the connection that commands are run on.
struct Room {
  goromdb::test::FakeHost host{};
  SlowLog slow_log{};
  Settings settings{};
  Conn conn{};
  bool three = false;

  Room() = default;
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;
  ~Room() { delete conn.session; }

  // The reply to a command line. `facts`: name, value, name, value, ...
  std::string ask(const std::vector<std::string>& words,
                  const std::vector<std::string>& facts = {}) {
    uint16_t id = find_command(words.at(0));
    if (id == kNoCommand) throw std::runtime_error("no such command: " + words[0]);
    size_t names = 1;
    if (!command_at(id).subcommands.empty() && words.size() > 1) {
      id = find_subcommand(id, words[1]);
      if (id == kNoCommand) throw std::runtime_error("no such subcommand: " + words[1]);
      names = 2;
    }
    if (!takes(command_at(id), static_cast<uint32_t>(words.size()))) {
      throw std::runtime_error("wrong number of arguments: " + words[0]);
    }
    std::string wire;
    for (size_t i = names; i < words.size(); ++i) {
      wire += "$" + std::to_string(words[i].size()) + "\r\n" + words[i] + "\r\n";
    }
    std::vector<goromdb_slice> pairs;
    for (const std::string& fact : facts) pairs.push_back(slice(fact));
    goromdb_answer answer{};
    answer.struct_size = sizeof answer;
    answer.pairs = pairs.data();
    answer.npairs = static_cast<uint32_t>(pairs.size());
    answer.generation = 1;
    goromdb_request request{};
    Tag tag;
    tag.command = id;
    tag.args = static_cast<uint32_t>(words.size() - names);
    tag.at = reinterpret_cast<const uint8_t*>(wire.data());
    tag.put(request);

    goromdb::test::StringOut bytes(16);
    Writer writer(bytes.get());
    Resp out(writer, three);
    const Server server{.host = Host(host.table()),
                        .settings = settings,
                        .slow_log = slow_log,
                        .get = find_command("get")};
    Reply reply{server, conn, request, answer, out, tag};
    if (command_at(id).write == nullptr) throw std::runtime_error("nothing to run: " + words[0]);
    if (command_at(id).write(reply) != GOROMDB_OK) throw std::runtime_error("it failed");
    return bytes.text();
  }
};

// "$3\r\nabc\r\n"
inline std::string bulk(std::string_view text) {
  return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}

}  // namespace goromdb::redis::test
