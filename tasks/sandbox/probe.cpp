#include "tasks/sandbox/probe.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "tasks/sandbox/descriptor.h"

namespace sizeup {
namespace {

// Prints the name of each wall that does not hold. The forks come last, because they use up what there is;
// the status says that they were refused.
constexpr const char* kProgram = R"py(
import os, socket, sys
port, canary = int(sys.argv[1]), sys.argv[2]

def refuses(wall, attempt):
    try:
        attempt()
    except OSError:
        return
    print(wall, flush=True)

def connect(host, number):
    with socket.socket() as peer:
        peer.settimeout(1)
        peer.connect((host, number))

refuses("this machine's network can be reached", lambda: connect("127.0.0.1", port))
refuses("the network can be reached", lambda: connect("192.0.2.1", 80))
refuses("files outside can be read", lambda: open(canary).close())
for path in (canary, "/usr/sizeup", "/sizeup"):
    refuses("files outside can be written", lambda: open(path, "w").close())
if set(os.environ) - {"PATH", "HOME", "LC_ALL", "PYTHONHASHSEED", "OMP_NUM_THREADS", "PWD"}:
    print("the environment can be read", flush=True)
if os.getuid() == 0:
    print("programs run as root", flush=True)
reader, writer = os.pipe()
try:
    for _ in range(100):
        if os.fork() == 0:
            os.close(writer)
            os.read(reader, 1)
            os._exit(0)
    print("programs may fork without end", flush=True)
except OSError:
    os.write(3, os.read(3, 64))
    os._exit(1)
)py";

// A file that everybody but the sandbox can read.
class Canary {
 public:
  Canary() {
    std::string name = (std::filesystem::temp_directory_path() / "sizeup-canary-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) return;
    folder_ = name;
    constexpr mode_t kReadableByAll = 0755;
    chmod(name.c_str(), kReadableByAll);
    std::ofstream(file()) << "canary";
  }
  Canary(const Canary&) = delete;
  Canary& operator=(const Canary&) = delete;
  ~Canary() {
    std::error_code ignored;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
  }

  std::filesystem::path file() const { return folder_ / "secret"; }
  explicit operator bool() const { return !folder_.empty(); }

 private:
  std::filesystem::path folder_;
};

struct Listener {
  Descriptor socket;
  int port = 0;
};

Listener listen_on_loopback() {
  Listener listener{Descriptor(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), 0};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);  // the socket interface's own idiom
  if (bind(listener.socket.get(), generic, size) != 0 || listen(listener.socket.get(), 1) != 0)
    return listener;
  if (getsockname(listener.socket.get(), generic, &size) == 0) listener.port = ntohs(address.sin_port);
  return listener;
}

}  // namespace

Result<void> probe(SandboxPlace& place, const std::string& python) {
  const Canary canary;
  const Listener listener = listen_on_loopback();
  if (!canary || listener.port == 0) {
    return unavailable("sandbox", fmt::format("cannot be tried out: {}", std::strerror(errno)));
  }
  SandboxProgram program;
  program.command = {python, "-s", "-S", "-B", "-c", kProgram, std::to_string(listener.port), canary.file()};
  program.token = "held";
  Result<SandboxOutcome> outcome = run_program(place, program);
  if (!outcome) return forward_error(outcome);
  const SandboxEnd expected = place.cgroup ? SandboxEnd::processes : SandboxEnd::exited;
  if (outcome->output.empty() && outcome->token_returned && outcome->end == expected) return {};
  std::string wall = outcome->output.substr(0, outcome->output.find('\n'));
  if (wall.empty()) wall = fmt::format("{} {}", describe(*outcome, program.limits), outcome->errors);
  return unavailable("sandbox", fmt::format("does not hold here: {}", wall));
}

}  // namespace sizeup
