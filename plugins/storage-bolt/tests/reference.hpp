// SPDX-License-Identifier: MIT
// Bolt itself, for tests: reference/reference.go, compiled when it is first asked for.
#pragma once

#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <stdexcept>
#include <string>

#include "database.hpp"

namespace goromdb::test {

class Reference {
 public:
  // NULL, with the reason on standard error, where it cannot be compiled.
  static const Reference* find() {
    static const Reference reference;
    if (!reference.works_) std::fprintf(stderr, "skipped: no Go with github.com/boltdb/bolt\n");
    return reference.works_ ? &reference : nullptr;
  }

  static std::string word(std::string_view bytes) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string out = "x";
    for (const char c : bytes) {
      out += kDigits[static_cast<uint8_t>(c) >> 4];
      out += kDigits[c & 15];
    }
    return out;
  }
  static std::string path(std::string_view names) {
    const size_t slash = names.find('/');
    if (slash == names.npos) return word(names);
    return word(names.substr(0, slash)) + "/" + path(names.substr(slash + 1));
  }
  static std::string put(std::string_view in, std::string_view key, std::string_view value) {
    return std::string("put ") + path(in) + " " + word(key) + " " + word(value) + "\n";
  }
  static std::string remove(std::string_view in, std::string_view key) {
    return std::string("delete ") + path(in) + " " + word(key) + "\n";
  }

  void write(const std::string& file, unsigned page_size, const std::string& lines) const {
    const std::string command = program() + " write " + file + " " + std::to_string(page_size);
    FILE* pipe = ::popen(command.c_str(), "w");
    std::fwrite(lines.data(), 1, lines.size(), pipe);
    if (::pclose(pipe) != 0) throw std::runtime_error("the reference does not write " + file);
  }
  // What Bolt finds in a file that its own check has found right; `plain` is the bucket of the keys
  // without a namespace. Buckets without keys are left out.
  Items read(const std::string& file, const std::string& plain = "default") const {
    FILE* pipe = ::popen((program() + " read " + file).c_str(), "r");
    std::string text;
    for (char buf[65536]; size_t n = std::fread(buf, 1, sizeof buf, pipe);) text.append(buf, n);
    if (::pclose(pipe) != 0) throw std::runtime_error("Bolt refuses " + file);
    Items items;
    std::istringstream lines(text);
    for (std::string verb, in, key, value; lines >> verb >> in;) {
      if (verb != "put") continue;
      lines >> key >> value;
      const std::string ns = unpath(in);
      items[ns == plain ? "" : ns][unword(key)] = {unword(value)};
    }
    return items;
  }

 private:
  Reference() {
    ::setenv("GOPATH", "/usr/share/gocode", 1);
    ::setenv("GO111MODULE", "off", 1);
    ::setenv("GOCACHE", dir_.file("cache").c_str(), 1);
    const std::string command = "go build -o " + program() + " '" STORAGE_BOLT_REFERENCE "' >&2";
    works_ = std::system(command.c_str()) == 0;
  }
  std::string program() const { return dir_.file("reference"); }
  static std::string unword(std::string_view hex) {
    std::string out;
    for (size_t i = 1; i + 1 < hex.size(); i += 2) {
      out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
    }
    return out;
  }
  static std::string unpath(const std::string& words) {
    const size_t slash = words.find('/');
    if (slash == words.npos) return unword(words);
    return unword(words.substr(0, slash)) + "/" + unpath(words.substr(slash + 1));
  }

  TempDir dir_;
  bool works_ = false;
};

}  // namespace goromdb::test
