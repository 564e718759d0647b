// SPDX-License-Identifier: MIT
#include "core/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

namespace goromdb {
namespace {

// The message on one line: control bytes of a file's name or a client's key forge no line, and in
// JSON no field. Other bytes pass as they are.
class OneLine : public spdlog::custom_flag_formatter {
 public:
  explicit OneLine(LogFormat format) : format_(format) {}
  void format(const spdlog::details::log_msg& msg, const std::tm&,
              spdlog::memory_buf_t& dest) override {
    const bool json = format_ == LogFormat::kJson;
    for (char c : msg.payload) {
      auto byte = static_cast<unsigned char>(c);
      if (byte < 0x20 || byte == 0x7f) {
        fmt::format_to(std::back_inserter(dest), "\\{}{:0{}x}", json ? 'u' : 'x', byte,
                       json ? 4 : 2);
        continue;
      }
      if (json && (c == '"' || c == '\\')) dest.push_back('\\');
      dest.push_back(c);
    }
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return spdlog::details::make_unique<OneLine>(format_);
  }

 private:
  LogFormat format_;
};

// The levels as the config names them.
class Level : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& msg, const std::tm&,
              spdlog::memory_buf_t& dest) override {
    std::string_view name = msg.level == spdlog::level::debug  ? "debug"
                            : msg.level == spdlog::level::info ? "info"
                            : msg.level == spdlog::level::warn ? "warn"
                                                               : "error";
    dest.append(name.data(), name.data() + name.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return spdlog::details::make_unique<Level>();
  }
};

std::shared_ptr<spdlog::sinks::sink> the_sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();

}  // namespace

void start_log(spdlog::level::level_enum level, LogFormat format) {
  auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
  if (format == LogFormat::kJson) {
    formatter->add_flag<Level>('$')
        .add_flag<OneLine>('*', format)
        .set_pattern(
            R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%$","object":"%n","message":"%*"})");
  } else {
    formatter->add_flag<Level>('$')
        .add_flag<OneLine>('*', format)
        .set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %$ %n: %*");
  }
  the_sink->set_formatter(std::move(formatter));
  spdlog::set_level(level);
}

std::shared_ptr<spdlog::logger> logger_for(const std::string& object) {
  auto logger = std::make_shared<spdlog::logger>(object, the_sink);
  logger->set_level(spdlog::get_level());
  logger->flush_on(spdlog::level::trace);
  return logger;
}

}  // namespace goromdb
