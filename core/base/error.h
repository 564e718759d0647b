// SPDX-License-Identifier: MIT
// What went wrong, in words for a person: the object, the path, the cause, the next step.
#pragma once

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace goromdb {

struct Error {
  enum class Kind {
    kFailure,    // the environment: full disk, permission, vanished file; worth another try
    kMemory,     // the environment, too: there is too little of it
    kChanged,    // the file was written to meanwhile; look again when it stands still
    kRejected,   // the file itself: trying it again changes nothing
    kCancelled,  // the server is stopping
    kMisuse,     // the command line: exit status 2
  };

  std::string message;
  Kind kind = Kind::kFailure;

  // Of the machine, whatever the file is: worth another try.
  bool is_trouble() const { return kind == Kind::kFailure || kind == Kind::kMemory; }
};

template <class T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(std::string message) {
  return tl::unexpected<Error>(Error{std::move(message), Error::Kind::kFailure});
}
inline tl::unexpected<Error> reject(std::string message) {
  return tl::unexpected<Error>(Error{std::move(message), Error::Kind::kRejected});
}
inline tl::unexpected<Error> changed(std::string message) {
  return tl::unexpected<Error>(Error{std::move(message), Error::Kind::kChanged});
}
inline tl::unexpected<Error> misuse(std::string message) {
  return tl::unexpected<Error>(Error{std::move(message), Error::Kind::kMisuse});
}
inline tl::unexpected<Error> cancelled() {
  return tl::unexpected<Error>(Error{"the server is stopping", Error::Kind::kCancelled});
}

// fail() with errno's text: "cannot <what>: <why>".
inline tl::unexpected<Error> fail_errno(const std::string& what, int code = errno) {
  return fail(fmt::format("cannot {}: {}", what, std::strerror(code)));
}

}  // namespace goromdb
