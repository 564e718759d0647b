// SPDX-License-Identifier: MIT
// The tools' command lines.
#include "tools/commands.h"

#include <CLI/CLI.hpp>

#include <memory>

#include "core/base/log.h"
#include "core/base/units.h"
#include "tools/publish.h"
#include "tools/rollback.h"

namespace goromdb::tools {
namespace {

// Which file is read, and how. `suffix` tells two of them apart.
void add_storage(CLI::App& command, StorageChoice& storage, const std::string& suffix = {}) {
  storage.flag += suffix;
  storage.option_flag += suffix;
  command.add_option("--storage" + suffix, storage.name, "storage of the file; default: found out")
      ->type_name("NAME");
  command.add_option("--option" + suffix, storage.options, "an option of the storage, NAME=VALUE")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  command.add_option("--plugin-path" + suffix, storage.plugin_path, "look for plugins here first")
      ->type_name("FOLDER")
      ->allow_extra_args(false);
}

// One of some words; the first is the default.
template <class T>
void add_choice(CLI::App& command, const char* name, T& value, const char* what,
                const std::vector<std::pair<std::string, T>>& choices) {
  std::vector<std::string> words;
  for (const auto& [word, meaning] : choices) words.push_back(word);
  command
      .add_option_function<std::string>(
          name,
          [&value, choices](const std::string& text) {
            for (const auto& [word, meaning] : choices) {
              if (word == text) value = meaning;
            }
          },
          what)
      ->check(CLI::IsMember(words))
      ->default_str(words.front());
}

void add_file(CLI::App& command, ReadOptions& options) {
  command.add_option("FILE", options.file, "data file")->required();
  add_storage(command, options.storage);
}

class Commands {
 public:
  explicit Commands(CLI::App& app) {
    add_build(app);
    add_dump(app);
    add_verify(app);
    add_stat(app);
    add_diff(app);
    add_get(app);
    add_publish(app);
    add_rollback(app);
  }

  std::optional<int> run() const {
    for (const auto& [command, body] : commands_) {
      if (command->parsed()) return body();
    }
    return std::nullopt;
  }

 private:
  CLI::App& add(CLI::App& app, const char* name, const char* what, const char* example,
                std::function<int()> body) {
    auto* command = app.add_subcommand(name, what);
    command->footer(std::string("Example:\n  ") + example);
    commands_.emplace_back(command, std::move(body));
    return *command;
  }

  void add_build(CLI::App& app) {
    auto& command = add(app, "build", "make a data file, and its sum beside it",
                        "goromdb build --storage lmdb --input words.csv --output words.db", [this] {
                          build_.md5 = checksum_ == "md5" || checksum_ == "both";
                          build_.sha256 = checksum_ == "sha256" || checksum_ == "both";
                          build_.fields.header = !no_header_;
                          build_.from_storage.plugin_path = build_.storage.plugin_path;
                          build_.from_storage.flag = "--from";
                          build_.from_storage.option_flag = "--from-option";
                          return build(build_);
                        });
    command
        .add_option("--input", build_.input,
                    "CSV, TSV or NDJSON, read as it comes; or a data file (JSON is read whole into "
                    "memory); -: standard input")
        ->type_name("FILE")
        ->required();
    command.add_option("--output", build_.output, "the file to make")
        ->type_name("FILE")
        ->required();
    add_storage(command, build_.storage);
    command.get_option("--storage")->description("storage of the output")->required();
    command
        .add_option("--from", build_.from,
                    "csv, tsv, ndjson or a storage; default: by the input's name, or found out")
        ->type_name("NAME");
    command.add_option("--from-option", build_.from_storage.options, "an option of that storage")
        ->type_name("NAME=VALUE")
        ->allow_extra_args(false);
    command.add_option("--checksum", checksum_, "md5, sha256, both or none")
        ->check(CLI::IsMember({"md5", "sha256", "both", "none"}))
        ->capture_default_str();
    add_choice<Duplicates>(command, "--duplicates", build_.duplicates, "of a key that comes twice",
                           {{"error", Duplicates::kError},
                            {"first", Duplicates::kFirst},
                            {"last", Duplicates::kLast}});
    auto& fields = build_.fields;
    command.add_option("--key-field", fields.key, "column or member with the key; default: key");
    auto* value =
        command.add_option("--value-field", fields.value, "with the value; default: value");
    command.add_flag("--whole-row", fields.whole_row, "the value is the whole row, as JSON")
        ->excludes(value);
    command.add_option("--namespace-field", fields.ns, "with the namespace; default: namespace");
    command.add_option("--flags-field", fields.flags, "with memcached's flags; default: flags");
    command.add_flag("--drop-flags", build_.drop_flags,
                     "leave flags out, for a storage that has no place for them");
    command.add_flag("--no-header", no_header_, "CSV and TSV: columns are 1, 2, ...");
    command.add_flag("--sorted", build_.sorted,
                     "the input is in the order of namespace and key: do not sort");
    command.add_flag("--force", build_.force, "take the place of an output that exists");
    command.add_flag("--quiet", build_.quiet, "no progress");
    command.add_flag("--json", build_.json, "say what was made as JSON");
  }

  void add_dump(CLI::App& app) {
    auto& command = add(app, "dump", "print the entries of a data file",
                        "goromdb dump words.db > words.ndjson", [this] { return dump(dump_); });
    add_file(command, dump_);
    command.add_option("--namespace", dump_.ns, "only this one; \"\": the keys without one");
    command.add_flag("--keys", dump_.keys_only, "no values");
    add_choice<DumpFormat>(
        command, "--format", dump_.format,
        "of the output; json is one object of texts, the others hold any bytes",
        {{"ndjson", DumpFormat::kNdjson}, {"tsv", DumpFormat::kTsv}, {"json", DumpFormat::kJson}});
  }

  void add_verify(CLI::App& app) {
    auto& command = add(app, "verify", "read all of a data file and say whether it is whole",
                        "goromdb verify words.db", [this] { return verify(verify_); });
    add_file(command, verify_);
    command.add_flag("--json", verify_.json, "say it as JSON");
  }

  void add_stat(CLI::App& app) {
    auto& command = add(app, "stat", "the shape of a data file", "goromdb stat words.db",
                        [this] { return stat(stat_); });
    add_file(command, stat_);
    command.add_flag("--json", stat_.json, "say it as JSON");
  }

  void add_diff(CLI::App& app) {
    auto& command =
        add(app, "diff", "what the second data file would change, whatever their formats",
            "goromdb diff --keys store/data00/data.db words.db", [this] { return diff(diff_); });
    command.add_option("A", diff_.a.file, "data file")->required();
    command.add_option("B", diff_.b.file, "data file")->required();
    add_storage(command, diff_.a.storage, "-a");
    add_storage(command, diff_.b.storage, "-b");
    command.add_flag("--keys", diff_.keys, "list them: + added, - removed, ~ changed");
    command.add_flag("--exit-code", diff_.exit_code,
                     "exit status 1 when they differ; also when one cannot be read");
    command.add_flag("--json", diff_.json, "say it as JSON");
  }

  void add_get(CLI::App& app) {
    auto& command = add(app, "get", "print one value, as it is", "goromdb get words.db hoge",
                        [this] { return get(get_); });
    add_file(command, get_);
    command.add_option("KEY", get_.key, "its key")->required();
    command.add_option("--namespace", get_.ns, "where the key is");
  }

  static void add_timeout(CLI::App& command, int64_t& timeout_ms) {
    command
        .add_option_function<std::string>(
            "--timeout",
            [&timeout_ms](const std::string& text) {
              const auto ms = parse_duration_ms(text);
              if (!ms)
                throw CLI::ValidationError("--timeout", "want a duration such as 500ms or 5s");
              timeout_ms = *ms;
            },
            "how long to wait; default: 60s")
        ->type_name("DURATION");
  }

  void add_rollback(CLI::App& app) {
    auto& command = add(app, "rollback", "go back to a data set that the running server has kept",
                        "goromdb rollback --config goromdb.yaml --database words",
                        [this] { return rollback(rollback_); });
    command.add_option("--config", rollback_.config, "the server's config")
        ->type_name("FILE")
        ->required();
    command.add_option("--database", rollback_.database, "which of its databases")
        ->type_name("NAME")
        ->required();
    command.add_option("--to", rollback_.to, "which one; default: the newest that is not refused")
        ->type_name("GENERATION")
        ->check(CLI::Validator(
            [](const std::string& text) {
              const bool zero = text.find_first_not_of('0') == std::string::npos;
              return std::string(zero ? "generations have numbers from 1 on" : "");
            },
            "POSITIVE"));
    command.add_flag("--list", rollback_.list, "only show what is kept");
    add_timeout(command, rollback_.timeout_ms);
    command.add_flag("--json", rollback_.json, "say it as JSON");
  }

  void add_publish(CLI::App& app) {
    auto& command = add(app, "publish", "hand a data file to the running server and wait for it",
                        "goromdb publish --config goromdb.yaml --database words words.db",
                        [this] { return publish(publish_); });
    command.add_option("--config", publish_.config, "the server's config")
        ->type_name("FILE")
        ->required();
    command.add_option("--database", publish_.database, "which of its databases")
        ->type_name("NAME")
        ->required();
    command.add_option("NEWFILE", publish_.file, "the data file; it stays")->required();
    command.add_flag("--again", publish_.again,
                     "also what the server refuses: it was rejected or rolled back, or is old");
    add_timeout(command, publish_.timeout_ms);
    command.add_flag_callback(
        "--no-wait", [this] { publish_.wait = false; }, "do not wait for the server");
    command.add_flag("--json", publish_.json, "say it as JSON");
  }

  std::vector<std::pair<CLI::App*, std::function<int()>>> commands_;
  BuildOptions build_;
  std::string checksum_ = "md5";
  bool no_header_ = false;
  DumpOptions dump_;
  ReadOptions verify_, stat_;
  DiffOptions diff_;
  GetOptions get_;
  PublishOptions publish_;
  RollbackOptions rollback_;
};

}  // namespace

std::function<std::optional<int>()> add_commands(CLI::App& app) {
  return [commands = std::make_shared<Commands>(app)] { return commands->run(); };
}

int report(const Error& error) {
  print_line("goromdb: " + error.message);
  return error.kind == Error::Kind::kMisuse ? 2 : 1;
}

}  // namespace goromdb::tools
