// SPDX-License-Identifier: MIT
// main() of every unit test program. Its temporary folder goes with it, and so does what children
// that died, or left without a destructor, have in there.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <string>

int main(int argc, char** argv) {
  std::string folder = (std::filesystem::temp_directory_path() / "goromdb-unit-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr || ::setenv("TMPDIR", folder.c_str(), 1) != 0) {
    std::perror(folder.c_str());
    return 1;
  }
  const int status = doctest::Context(argc, argv).run();
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  return status;
}
