#include "runtime/net/keys.hpp"

#include "deploy/cli/verb.hpp"
#include "runtime/base/json.hpp"
#include "runtime/os/own_files.hpp"

namespace troupe {
namespace {

VerbArgument directory_argument() {
  return {.names = "--keys",
          .help = "the node's key directory",
          .value_name = "DIR",
          .default_value = "keys",
          .environment = "TROUPE_KEYS"};
}

KeyDirectory directory_of(const VerbArguments& arguments) {
  return KeyDirectory(own_files(), arguments.text("keys"));
}

class KeysNew final : public Verb {
 public:
  const VerbDescription& description() const override {
    static const VerbDescription description{
        .name = "keys new",
        .summary = "makes the key pair of a node, and prints its public key",
        .arguments = {directory_argument()},
        .example = "troupe keys new --keys /var/lib/troupe/keys",
        .details =
            "Nodes know each other by these keys alone. Put the printed key on the list of\n"
            "every other node with `troupe keys allow`."};
    return description;
  }

  Result<ExitCode> run(const VerbArguments& arguments, VerbContext& context) const override {
    const PublicKey key = TRY(directory_of(arguments).create());
    if (context.out.json()) {
      context.out.object({{"key", key.to_string()}, {"keys", arguments.text("keys")}});
    } else {
      context.out.line(key.to_string());
    }
    context.out.say(fmt::format("keys are in {}; on each other node run: troupe keys allow NAME {}",
                                arguments.text("keys"), key.to_string()));
    return ExitCode::done;
  }
};

class KeysAllow final : public Verb {
 public:
  const VerbDescription& description() const override {
    static const VerbDescription description{
        .name = "keys allow",
        .summary = "admits another node by its public key",
        .arguments = {{.names = "NODE", .help = "the name of the other node", .required = true},
                      {.names = "KEY",
                       .help = "its public key, as it printed it",
                       .required = true},
                      directory_argument()},
        .example = "troupe keys allow worker-1 4f6c...e1"};
    return description;
  }

  Result<ExitCode> run(const VerbArguments& arguments, VerbContext& context) const override {
    const NodeId node(arguments.text("NODE"));
    TRY(directory_of(arguments).allow(
        node, TRY(from_argument("KEY", PublicKey::parse(arguments.text("KEY"))))));
    context.out.changed(fmt::format("{} is admitted", node), {{"admitted", node.value()}});
    return ExitCode::done;
  }
};

class KeysRevoke final : public Verb {
 public:
  const VerbDescription& description() const override {
    static const VerbDescription description{
        .name = "keys revoke",
        .summary = "admits a node no longer",
        .arguments = {{.names = "NODE", .help = "the name of the other node", .required = true},
                      directory_argument()},
        .example = "troupe keys revoke worker-1"};
    return description;
  }

  Result<ExitCode> run(const VerbArguments& arguments, VerbContext& context) const override {
    const NodeId node(arguments.text("NODE"));
    TRY(directory_of(arguments).revoke(node));
    context.out.changed(fmt::format("{} is not admitted any more", node),
                        {{"revoked", node.value()}});
    return ExitCode::done;
  }
};

class KeysList final : public Verb {
 public:
  const VerbDescription& description() const override {
    static const VerbDescription description{
        .name = "keys list",
        .summary = "the node's own public key, and whom it admits",
        .arguments = {directory_argument()},
        .example = "troupe keys list"};
    return description;
  }

  Result<ExitCode> run(const VerbArguments& arguments, VerbContext& context) const override {
    const KeyDirectory directory = directory_of(arguments);
    TextTable table{{{"NODE"}, {"KEY"}}, {}};
    table.rows.push_back({"(own)", TRY(directory.public_key()).to_string()});
    for (const auto& [node, key] : TRY(directory.allowed())) {
      table.rows.push_back({node.value(), key.to_string()});
    }
    context.out.table(table);
    return ExitCode::done;
  }
};

}  // namespace

void register_keys(VerbList& verbs) {
  verbs.push_back(std::make_unique<KeysNew>());
  verbs.push_back(std::make_unique<KeysAllow>());
  verbs.push_back(std::make_unique<KeysRevoke>());
  verbs.push_back(std::make_unique<KeysList>());
}

}  // namespace troupe
