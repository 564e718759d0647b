// SPDX-License-Identifier: MIT
#include "rows.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <stdexcept>

namespace goromdb::bench {

Rows::Rows(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat facts {};
  if (fd < 0 || fstat(fd, &facts) != 0) {
    throw std::runtime_error(path + ": " + strerror(errno));
  }
  bytes_ = static_cast<size_t>(facts.st_size);
  void* map = mmap(nullptr, bytes_, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
  close(fd);
  if (map == MAP_FAILED) throw std::runtime_error(path + ": mmap: " + strerror(errno));
  map_ = static_cast<const char*>(map);

  const char* at = map_;
  const char* const end = map_ + bytes_;
  const auto bad = [&](const char* what) {
    return std::runtime_error(path + ": byte " + std::to_string(at - map_) + ": " + what +
                              "; expected +KEYLEN,VALUELEN:KEY->VALUE");
  };
  const auto number = [&](char after) {
    uint32_t value = 0;
    const auto [stop, error] = std::from_chars(at, end, value);
    if (error != std::errc() || stop == end || *stop != after) throw bad("not a length");
    at = stop + 1;
    return value;
  };
  while (at < end && *at == '+') {
    ++at;
    Row row{};
    row.key = number(',');
    row.value = number(':');
    if (end - at < static_cast<ptrdiff_t>(row.key) + row.value + 3) throw bad("a row is cut short");
    row.at = static_cast<uint64_t>(at - map_);
    if (memcmp(at + row.key, "->", 2) != 0) throw bad("no -> behind the key");
    at += row.key + 2 + row.value;
    if (*at++ != '\n') throw bad("no newline behind the value");
    rows_.push_back(row);
  }
  if (end - at != 1 || *at != '\n') throw bad("no empty line at the end");
  if (rows_.empty()) throw std::runtime_error(path + ": no rows");
}

Rows::~Rows() { munmap(const_cast<char*>(map_), bytes_); }

}  // namespace goromdb::bench
