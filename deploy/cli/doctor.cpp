#include "actors/gateway/http_server.hpp"
#include "deploy/cli/api_client.hpp"
#include "deploy/cli/verb.hpp"
#include "runtime/base/json.hpp"
#include "runtime/net/keys.hpp"
#include "runtime/os/file_system.hpp"

#include <algorithm>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <thread>
#include <unistd.h>

namespace troupe {
namespace {

constexpr std::int64_t free_bytes_wanted = std::int64_t{2} << 30;
constexpr rlim_t open_files_wanted = 1024;

enum class Health { ok, warning, failure };

struct Finding {
  Health health = Health::ok;
  std::string about;
  std::string what;
  std::string mend = {};
};

Finding check_machine() {
  const unsigned cores = std::thread::hardware_concurrency();
  const std::int64_t memory =
      static_cast<std::int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
  return {Health::ok, "machine", fmt::format("{} cores, {}", cores, human_bytes(memory))};
}

Finding check_disk(const std::string& directory) {
  struct statvfs disk;
  if (statvfs(directory.c_str(), &disk) != 0) {
    return {Health::failure, "disk", fmt::format("'{}' cannot be looked at", directory),
            "make the directory, or name another with --data"};
  }
  const auto free = static_cast<std::int64_t>(disk.f_bavail * disk.f_frsize);
  const std::string what = fmt::format("{}: {} free", directory, human_bytes(free));
  if (free < free_bytes_wanted) return {Health::warning, "disk", what, "make room there"};
  return {Health::ok, "disk", what};
}

Finding check_writing(const std::string& directory) {
  if (!system_files().is_directory(directory)) {
    return {Health::failure, "write", fmt::format("there is no directory '{}'", directory),
            "make it, or name another with --data"};
  }
  const std::string probe = directory + "/.troupe-doctor";
  const auto written = write_atomically(system_files(), probe, "probe");
  (void)system_files().remove_all(probe);
  if (!written) {
    return {Health::failure, "write", written.error().message, "check its owner and its mode"};
  }
  return {Health::ok, "write", fmt::format("{}: files can be written and synced", directory)};
}

Finding check_exchange(const std::string& directory) {
  FileSystem& files = system_files();
  if (!files.is_directory(directory)) return {Health::ok, "exchange", "not tried"};
  const std::string a = directory + "/.troupe-doctor-a", b = directory + "/.troupe-doctor-b";
  (void)files.make_directories(a);
  (void)files.make_directories(b);
  const auto exchanged = files.exchange(a, b);
  (void)files.remove_all(a);
  (void)files.remove_all(b);
  if (exchanged) return {Health::ok, "exchange", "output directories are replaced in one step"};
  return {Health::warning, "exchange", "this file system cannot exchange two directories",
          "write output to ext4, xfs or btrfs: replacing it has a short gap here"};
}

Finding check_limits() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < open_files_wanted) {
    return {Health::warning, "limits", fmt::format("{} open files", limit.rlim_cur),
            fmt::format("ulimit -n {}", open_files_wanted)};
  }
  return {Health::ok, "limits", fmt::format("{} open files", limit.rlim_cur)};
}

Finding check_keys(const std::string& directory) {
  const KeyDirectory keys(system_files(), directory);
  if (!keys.has_keys()) {
    return {Health::ok, "keys", "none: a node here can bind loopback only"};
  }
  const auto ring = keys.load();
  if (!ring) return {Health::failure, "keys", ring.error().message, ring.error().hint};
  return {Health::ok, "keys",
          fmt::format("{} admits {} nodes", ring->own().public_key().to_string().substr(0, 12),
                      ring->allowed().size())};
}

Finding check_gateway(const VerbArguments& arguments) {
  const auto api = api_client(arguments);
  if (!api) return {Health::ok, "gateway", "no node is known on this machine"};
  const auto list = api->ask(ListNodes{});
  const std::string where = host_and_port(api->address().host, api->address().port);
  if (!list) {
    return {Health::warning, "gateway", list.error().message, list.error().hint};
  }
  const auto live = std::count_if(list->nodes.begin(), list->nodes.end(), [](const NodeView& node) {
    return node.state == NodeState::live;
  });
  return {Health::ok, "gateway",
          fmt::format("{}: {} of {} nodes live", where, live, list->nodes.size())};
}

const char* word_of(Health health) {
  switch (health) {
    case Health::ok:
      return "ok";
    case Health::warning:
      return "warn";
    case Health::failure:
      return "FAIL";
  }
  return "FAIL";
}

class DoctorVerb final : public Verb {
 public:
  const VerbDescription& description() const override {
    static const VerbDescription description = [] {
      VerbDescription verb{.name = "doctor",
                           .summary = "looks at this machine and says what is in the way",
                           .arguments = {{.names = "--data",
                                          .help = "the data directory to look at",
                                          .value_name = "DIR",
                                          .default_value = "."},
                                         {.names = "--keys",
                                          .help = "the key directory to look at",
                                          .value_name = "DIR",
                                          .default_value = "keys"}},
                           .example = "troupe doctor --data /var/lib/troupe"};
      for (VerbArgument& argument : api_arguments()) verb.arguments.push_back(std::move(argument));
      return verb;
    }();
    return description;
  }

  Result<ExitCode> run(const VerbArguments& arguments, VerbContext& context) const override {
    const std::string data = arguments.text("data");
    const std::vector<Finding> findings{check_machine(),         check_limits(),
                                        check_disk(data),        check_writing(data),
                                        check_exchange(data),    check_keys(arguments.text("keys")),
                                        check_gateway(arguments)};
    std::size_t failures = 0, warnings = 0;
    Json items = Json::array();
    for (const Finding& finding : findings) {
      failures += finding.health == Health::failure;
      warnings += finding.health == Health::warning;
      items.push_back({{"health", word_of(finding.health)},
                       {"about", finding.about},
                       {"what", finding.what},
                       {"mend", finding.mend}});
      if (context.out.json()) continue;
      context.out.line(
          fmt::format("{:<5} {:<10} {}{}", word_of(finding.health), finding.about, finding.what,
                      finding.mend.empty() ? "" : "\n                 " + finding.mend));
    }
    if (context.out.json()) {
      context.out.object(items);
    } else {
      context.out.line(fmt::format("{} problem{}, {} warning{}", failures, failures == 1 ? "" : "s",
                                   warnings, warnings == 1 ? "" : "s"));
    }
    return failures > 0 ? ExitCode::failed : ExitCode::done;
  }
};

}  // namespace

void register_doctor(VerbList& verbs) { verbs.push_back(std::make_unique<DoctorVerb>()); }

}  // namespace troupe
