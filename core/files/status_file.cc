// SPDX-License-Identifier: MIT
#include "core/files/status_file.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <chrono>
#include <cstdio>

#include "core/base/file.h"

namespace goromdb {
namespace {

constexpr size_t kLimit = size_t{64} << 10;

std::string to_yaml(const StoreStatus& status) {
  YAML::Emitter out;
  auto text = [&](const char* key, const std::string& value) {
    if (!value.empty()) out << YAML::Key << key << YAML::Value << YAML::DoubleQuoted << value;
  };
  out << YAML::BeginMap;
  out << YAML::Key << "pid" << YAML::Value << status.pid;
  text("jail", status.jail);
  out << YAML::Key << "generation" << YAML::Value << status.generation;
  text("checksum", status.checksum);
  if (status.entries) out << YAML::Key << "entries" << YAML::Value << *status.entries;
  text("adopted_at", status.adopted_at);
  text("bad", status.bad);
  if (status.rejected) {
    out << YAML::Key << "rejected" << YAML::Value << YAML::BeginMap;
    text("checksum", status.rejected->checksum);
    text("at", status.rejected->at);
    text("reason", status.rejected->reason);
    out << YAML::EndMap;
  }
  if (status.rolled_back_to != 0) {
    out << YAML::Key << "rolled_back_to" << YAML::Value << status.rolled_back_to;
  }
  if (status.last_rollback) {
    out << YAML::Key << "last_rollback" << YAML::Value << YAML::BeginMap;
    out << YAML::Key << "to" << YAML::Value << status.last_rollback->to;
    out << YAML::Key << "as" << YAML::Value << status.last_rollback->as;
    out << YAML::EndMap;
  }
  if (status.refused_rollback) {
    out << YAML::Key << "refused_rollback" << YAML::Value << YAML::BeginMap;
    text("at", status.refused_rollback->at);
    text("reason", status.refused_rollback->reason);
    out << YAML::EndMap;
  }
  text("busy", status.busy);
  text("trouble", status.trouble);
  out << YAML::EndMap << YAML::Newline;
  return out.c_str();
}

StoreStatus from_yaml(const std::string& content) {
  const auto root = YAML::Load(content);
  auto text = [](const YAML::Node& map, const char* key) {
    return map[key] ? map[key].as<std::string>() : std::string();
  };
  StoreStatus status;
  status.pid = root["pid"].as<int64_t>();
  status.jail = text(root, "jail");
  status.generation = root["generation"].as<uint64_t>();
  status.checksum = text(root, "checksum");
  if (root["entries"]) status.entries = root["entries"].as<uint64_t>();
  status.adopted_at = text(root, "adopted_at");
  status.bad = text(root, "bad");
  if (const auto rejected = root["rejected"]) {
    status.rejected = {text(rejected, "checksum"), text(rejected, "at"), text(rejected, "reason")};
  }
  if (root["rolled_back_to"]) status.rolled_back_to = root["rolled_back_to"].as<uint64_t>();
  if (const auto last = root["last_rollback"]) {
    status.last_rollback = {last["to"].as<uint64_t>(), last["as"].as<uint64_t>()};
  }
  if (const auto refused = root["refused_rollback"]) {
    status.refused_rollback = {text(refused, "at"), text(refused, "reason")};
  }
  status.busy = text(root, "busy");
  status.trouble = text(root, "trouble");
  return status;
}

}  // namespace

std::string status_path(const std::string& basedir) { return join_path(basedir, "status"); }

Result<void> write_status(const std::string& basedir, const StoreStatus& status) {
  const auto path = status_path(basedir), temporary = path + ".tmp";
  Fd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!fd) return fail_errno(fmt::format("create {}", temporary));
  auto written = write_all(fd, to_yaml(status), temporary);
  if (written && ::rename(temporary.c_str(), path.c_str()) != 0) {
    written = fail_errno(fmt::format("rename {} to {}", temporary, path));
  }
  if (!written) ::unlink(temporary.c_str());
  return written;
}

Result<StoreStatus> read_status(const std::string& basedir) {
  const auto path = status_path(basedir);
  auto content = read_small_file(path, kLimit);
  if (!content) return tl::unexpected(content.error());
  try {
    return from_yaml(*content);
  } catch (const YAML::Exception& e) {
    return reject(fmt::format("{} is no server's status: {}", path, e.what()));
  }
}

std::string utc_of(int64_t ns) {
  using namespace std::chrono;
  const auto whole = floor<seconds>(nanoseconds(ns));
  const auto ms = duration_cast<milliseconds>(nanoseconds(ns) - whole).count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(std::time_t{whole.count()}), ms);
}

std::string utc_now() {
  using namespace std::chrono;
  return utc_of(duration_cast<nanoseconds>(system_clock::now().time_since_epoch()).count());
}

}  // namespace goromdb
