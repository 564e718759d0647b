// SPDX-License-Identifier: MIT
#include "core/base/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>

#include "core/base/log_outlet.h"

namespace goromdb {
namespace {

constexpr size_t kMostWaiting = size_t{1} << 20;  // bytes of lines that a reader is behind
constexpr std::chrono::milliseconds kLastPatience{1000};

LogOutlet* outlet = nullptr;  // set while there is one thread

void put(std::string line) {
  if (outlet != nullptr) return outlet->put(std::move(line));
  write_through(STDERR_FILENO, line);
}

// Bytes of the UTF-8 character that `text` begins with; 0 where it begins with none (RFC 3629).
size_t character_size(std::string_view text) {
  auto at = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0; };
  auto goes_on = [&](size_t i) { return (at(i) & 0xc0) == 0x80; };
  const int first = at(0), second = at(1);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return goes_on(1) ? 2 : 0;
  // What is written longer than it need be, half a surrogate pair, and what lies behind Unicode.
  const bool wrong = (first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
                     (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f);
  if (wrong || !goes_on(1) || !goes_on(2)) return 0;
  if (first >= 0xe0 && first <= 0xef) return 3;
  return first >= 0xf0 && first <= 0xf4 && goes_on(3) ? 4 : 0;
}

// Control bytes of a file's name or a client's key forge no line, and in JSON no field. JSON is
// UTF-8, whatever the bytes are; in text other bytes pass as they are.
std::string escaped(std::string_view text, LogFormat format) {
  const bool json = format == LogFormat::kJson;
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\{}{:0{}x}", json ? 'u' : 'x', byte, json ? 4 : 2);
    } else if (json && byte >= 0x80) {
      const size_t size = character_size(text.substr(i));
      out += size > 0 ? text.substr(i, size) : "\\ufffd";
      i += size > 0 ? size - 1 : 0;
    } else {
      if (json && (c == '"' || c == '\\')) out += '\\';
      out += c;
    }
  }
  return out;
}

using spdlog::details::log_msg;

// A part of a message, on one line.
class OneLine : public spdlog::custom_flag_formatter {
 public:
  OneLine(spdlog::string_view_t log_msg::*part, LogFormat format) : part_(part), format_(format) {}
  void format(const log_msg& msg, const std::tm&, spdlog::memory_buf_t& dest) override {
    const auto& part = msg.*part_;
    const auto text = escaped({part.data(), part.size()}, format_);
    dest.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return spdlog::details::make_unique<OneLine>(part_, format_);
  }

 private:
  spdlog::string_view_t log_msg::*part_;
  LogFormat format_;
};

// The levels as the config names them.
class Level : public spdlog::custom_flag_formatter {
 public:
  void format(const log_msg& msg, const std::tm&, spdlog::memory_buf_t& dest) override {
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

std::string line_of(const log_msg& msg, spdlog::formatter& formatter) {
  spdlog::memory_buf_t line;
  formatter.format(msg, line);
  return fmt::to_string(line);
}

class Stderr : public spdlog::sinks::base_sink<std::mutex> {
 protected:
  void sink_it_(const log_msg& msg) override { put(line_of(msg, *formatter_)); }
  void flush_() override {}
};

constexpr const char* kText = "%Y-%m-%dT%H:%M:%S.%eZ %$ %@: %*";
constexpr const char* kJson =
    R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%$","object":"%@","message":"%*"})";
constexpr const char* kTool = "goromdb: %*";  // of a process that does not serve

std::unique_ptr<spdlog::formatter> formatter_for(LogFormat format, const char* pattern) {
  auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
  formatter->add_flag<Level>('$')
      .add_flag<OneLine>('@', &log_msg::logger_name, format)
      .add_flag<OneLine>('*', &log_msg::payload, format)
      .set_pattern(pattern);
  return formatter;
}
std::unique_ptr<spdlog::formatter> formatter_for(LogFormat format) {
  return formatter_for(format, format == LogFormat::kJson ? kJson : kText);
}

std::shared_ptr<spdlog::sinks::sink> new_sink() {
  auto sink = std::make_shared<Stderr>();
  sink->set_formatter(formatter_for(LogFormat::kText, kTool));
  return sink;
}
std::shared_ptr<spdlog::sinks::sink> the_sink = new_sink();

}  // namespace

void start_log(spdlog::level::level_enum level, LogFormat format) {
  the_sink->set_formatter(formatter_for(format));
  spdlog::set_level(level);
  outlet = new LogOutlet(STDERR_FILENO, kMostWaiting, [format](uint64_t lost) {
    const auto text =
        fmt::format("{} line{} of the log {} lost: whoever reads standard error reads too slowly",
                    lost, lost == 1 ? "" : "s", lost == 1 ? "was" : "were");
    return line_of(log_msg("log", spdlog::level::warn, text), *formatter_for(format));
  });
  // Also where a plugin's library ends the process.
  std::atexit([] { outlet->drain(kLastPatience); });
}

std::shared_ptr<spdlog::logger> logger_for(const std::string& object) {
  auto logger = std::make_shared<spdlog::logger>(object, the_sink);
  logger->set_level(spdlog::get_level());
  return logger;
}

void print_line(std::string_view text) { put(one_line(text) + "\n"); }

std::string one_line(std::string_view text) { return escaped(text, LogFormat::kText); }

}  // namespace goromdb
