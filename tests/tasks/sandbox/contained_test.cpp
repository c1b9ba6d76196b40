// Hostile programs: each is stopped at its wall, the bound is named, nothing is left behind. Every case runs
// at each level that the machine has, and as root once more as an ordinary user.
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cstddef>

#include "tasks/sandbox/descriptor.h"
#include "tests/tasks/sandbox/support.h"

namespace sizeup {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

class Contained : public testing::TestWithParam<SandboxLevel> {
 protected:
  void SetUp() override {
    pool_ = test::open_pool(GetParam());
    if (!pool_) GTEST_SKIP() << "this level is not available here";
  }

  SandboxOutcome run(const SandboxProgram& program) {
    Result<SandboxOutcome> outcome = pool_->run(program);
    if (!outcome) throw std::runtime_error(describe(outcome.error()));
    return *outcome;
  }
  SandboxOutcome run(const std::string& code) { return run(test::python(code)); }

  bool has_cgroup() const { return GetParam() == SandboxLevel::bubblewrap_cgroup; }

  std::unique_ptr<SandboxPool> pool_;
};

TEST_P(Contained, AProgramThatBehaves) {
  SandboxProgram program =
      test::python("import sys; print(sys.stdin.read() + '!'); print('e', file=sys.stderr); sys.exit(3)");
  program.input = "hello";
  const SandboxOutcome outcome = run(program);
  EXPECT_EQ(outcome.end, SandboxEnd::exited);
  EXPECT_EQ(outcome.code, 3);
  EXPECT_EQ(outcome.output, "hello!\n");
  EXPECT_EQ(outcome.errors, "e\n");
  EXPECT_FALSE(outcome.token_returned);
}

TEST_P(Contained, ForkBomb) {
  const SandboxOutcome outcome = run(R"py(
import os, time
for _ in range(300):
    if os.fork() == 0:
        time.sleep(30)
        os._exit(0)
print("no bound")
)py");
  EXPECT_EQ(outcome.output, "");
  EXPECT_EQ(outcome.end, has_cgroup() ? SandboxEnd::processes : SandboxEnd::exited) << outcome.errors;
  EXPECT_NE(outcome.code, 0);
  EXPECT_THAT(outcome.errors, HasSubstr("BlockingIOError"));
}

TEST_P(Contained, ForkBombOfGenerations) {
  SandboxProgram program = test::python(R"py(
import os
for _ in range(12):
    try:
        os.fork()
    except OSError:
        pass
while True:
    pass
)py");
  program.limits.wall = milliseconds(1500);
  const SandboxOutcome outcome = run(program);
  EXPECT_EQ(outcome.end, has_cgroup() ? SandboxEnd::processes : SandboxEnd::wall_time);
}

TEST_P(Contained, EndlessLoop) {
  SandboxProgram program = test::python("while True: pass");
  program.limits.cpu_seconds = 1;
  const SandboxOutcome outcome = run(program);
  EXPECT_EQ(outcome.end, SandboxEnd::cpu_time);
  EXPECT_LT(outcome.wall, milliseconds(9000));
}

TEST_P(Contained, EndlessLoopThatIgnoresSignals) {
  SandboxProgram program = test::python(R"py(
import signal
for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
while True: pass
)py");
  program.limits.wall = milliseconds(700);
  EXPECT_EQ(run(program).end, SandboxEnd::wall_time);
}

TEST_P(Contained, EndlessSleep) {
  SandboxProgram program = test::python("import time; time.sleep(1000)");
  program.limits.wall = milliseconds(300);
  const SandboxOutcome outcome = run(program);
  EXPECT_EQ(outcome.end, SandboxEnd::wall_time);
  EXPECT_GE(outcome.wall, milliseconds(300));
  EXPECT_LT(outcome.wall, milliseconds(5000));
}

TEST_P(Contained, TenGigabytesOfMemory) {
  const SandboxOutcome outcome =
      run("x = bytearray(10 << 30); x[::4096] = b'x' * len(x[::4096]); print(len(x))");
  EXPECT_EQ(outcome.output, "");
  if (has_cgroup()) {
    EXPECT_EQ(outcome.end, SandboxEnd::memory);
  } else {
    EXPECT_THAT(outcome.errors, HasSubstr("MemoryError"));
  }
}

TEST_P(Contained, ManyProcessesShareTheMemoryBound) {
  if (!has_cgroup()) GTEST_SKIP() << "without a cgroup memory is bounded for each process";
  SandboxProgram program = test::python(R"py(
import os, time
children = [os.fork() for _ in range(3)]
x = bytearray(60 << 20)
time.sleep(5)
)py");
  program.limits.memory_bytes = 128 << 20;  // eight processes of 60 MiB each
  program.limits.wall = milliseconds(4000);
  EXPECT_EQ(run(program).end, SandboxEnd::memory);
}

TEST_P(Contained, MemoryThatNoProcessMaps) {
  if (!has_cgroup()) GTEST_SKIP() << "without a cgroup memory is bounded for each process";
  SandboxProgram program = test::python(R"py(
import os
block = b"x" * (1 << 20)
files = [os.memfd_create("x") for _ in range(20)]
for file in files:
    for _ in range(30):
        os.write(file, block)
print("no bound")
)py");
  program.limits.memory_bytes = 128 << 20;
  const SandboxOutcome outcome = run(program);
  EXPECT_EQ(outcome.end, SandboxEnd::memory);
  EXPECT_EQ(outcome.output, "");
}

TEST_P(Contained, FilesWithoutEnd) {
  for (const std::string folder : {"/tmp", "/dev/shm"}) {
    SandboxProgram program = test::python("folder = '" + folder + R"py('
block = b"x" * (1 << 20)
written = 0
try:
    for i in range(400):
        with open(f"{folder}/{i}", "wb") as file:
            written += file.write(block)
except OSError as error:
    print(written >> 20, error.strerror)
else:
    print("no bound")
)py");
    program.limits.file_bytes = 32 << 20;
    const SandboxOutcome outcome = run(program);
    EXPECT_THAT(outcome.output, HasSubstr("No space left on device")) << folder << outcome.errors;
    EXPECT_LE(std::stoi(outcome.output), 32);
  }
}

TEST_P(Contained, OneLargeFile) {
  SandboxProgram program = test::python(R"py(
with open("/tmp/large", "wb") as file:
    for _ in range(64):
        file.write(b"x" * (1 << 20))
)py");
  program.limits.file_bytes = 16 << 20;
  const SandboxOutcome outcome = run(program);
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.errors, testing::AnyOf(HasSubstr("File too large"), HasSubstr("No space left")));
}

TEST_P(Contained, NetworkOfThisMachineAndOutside) {
  const Descriptor listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(listener.get(), 1), 0);
  ASSERT_EQ(getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  const Descriptor local(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  const std::string abstract = test::unique_marker();
  abstract.copy(name.sun_path + 1, abstract.size());
  ASSERT_EQ(bind(local.get(), reinterpret_cast<sockaddr*>(&name),
                 static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + abstract.size())),
            0);
  ASSERT_EQ(listen(local.get(), 1), 0);
  const SandboxOutcome outcome =
      run("port, name = " + std::to_string(ntohs(address.sin_port)) + ", '" + abstract + R"py('
import socket
def attempt(kind, *target):
    try:
        with socket.socket(*kind) as peer:
            peer.settimeout(1)
            if kind[1] == socket.SOCK_DGRAM:
                peer.sendto(b"x", *target)
            else:
                peer.connect(*target)
        print("reached", target)
    except OSError as error:
        print("refused")
attempt((socket.AF_INET, socket.SOCK_STREAM), ("127.0.0.1", port))
attempt((socket.AF_INET, socket.SOCK_STREAM), ("192.0.2.1", 80))
attempt((socket.AF_INET, socket.SOCK_DGRAM), ("192.0.2.1", 53))
attempt((socket.AF_INET6, socket.SOCK_DGRAM), ("2001:db8::1", 53))
attempt((socket.AF_UNIX, socket.SOCK_STREAM), "\0" + name)
)py");
  EXPECT_EQ(outcome.output, "refused\nrefused\nrefused\nrefused\nrefused\n") << outcome.errors;
}

TEST_P(Contained, SecretsInFilesAndTheEnvironment) {
  const char* home = getenv("HOME");
  const TemporaryFolder folder;
  std::vector<std::filesystem::path> canaries = {folder.write("canary", "sizeup-canary")};
  const std::filesystem::path in_home =
      std::filesystem::path(home == nullptr ? "/" : home) / test::unique_marker();
  if (std::ofstream(in_home) << "sizeup-canary") canaries.push_back(in_home);
  setenv("SIZEUP_TEST_SECRET", "sizeup-canary", 1);
  std::string list;
  for (const auto& canary : canaries) list += "'" + canary.string() + "',";
  const SandboxOutcome outcome = run("canaries = [" + list + R"py(]
import os
for path in canaries + ["/etc/passwd", "/etc/shadow", "/root", "/home", "/proc/1/environ", "/proc/self/environ", "/sys", "/var", "/run"]:
    try:
        print("seen", path, os.stat(path))
    except OSError:
        pass
print(sorted(os.environ))
print(sorted(os.listdir("/")))
)py");
  unsetenv("SIZEUP_TEST_SECRET");
  std::error_code ignored;
  std::filesystem::remove(in_home, ignored);
  EXPECT_EQ(outcome.output,
            "['HOME', 'LC_ALL', 'OMP_NUM_THREADS', 'PATH', 'PWD', 'PYTHONHASHSEED']\n"
            "['bin', 'dev', 'lib', 'lib64', 'tmp', 'usr']\n")
      << outcome.errors;
}

TEST_P(Contained, DescriptorsOfOurs) {
  const TemporaryFolder folder;
  std::ofstream secret(folder.path() / "open");  // as a library may open one: it stays open across exec
  const SandboxOutcome outcome = run(R"py(
import os
seen = []
for number in range(1024):
    try:
        os.fstat(number)
        seen.append(number)
    except OSError:
        pass
print(seen)
)py");
  EXPECT_EQ(outcome.output, "[0, 1, 2, 3]\n");
}

TEST_P(Contained, WritingOutside) {
  const TemporaryFolder folder;
  const SandboxOutcome outcome = run("outside = '" + folder.path().string() + R"py('
import os
for path in (outside + "/x", "/usr/x", "/usr/bin/x", "/x", "/bin/x", "/dev/x", "/lib/x"):
    try:
        open(path, "w").close()
        print("wrote", path)
    except OSError:
        pass
for attempt in (lambda: os.remove("/usr/bin/python3"), lambda: os.chmod("/usr/bin/python3", 0o777), lambda: os.mkdir("/y")):
    try:
        attempt()
        print("changed")
    except OSError:
        pass
open("/tmp/inside", "w").write("x")
print("done")
)py");
  EXPECT_EQ(outcome.output, "done\n") << outcome.errors;
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  EXPECT_FALSE(std::filesystem::exists("/tmp/inside"));
}

TEST_P(Contained, NothingPassesFromOneProgramToTheNext) {
  ASSERT_EQ(run("open('/tmp/note', 'w').write('x'); open('/dev/shm/note', 'w').write('x')").code, 0);
  for (int i = 0; i < pool_->slots(); ++i) {
    EXPECT_EQ(run("import os; print(os.listdir('/tmp'), os.listdir('/dev/shm'))").output,
              "['program.py'] []\n");
  }
}

TEST_P(Contained, SymbolicLinks) {
  const TemporaryFolder folder;
  const auto secret = folder.write("secret", "sizeup-canary");
  const SandboxOutcome outcome = run("secret = '" + secret.string() + R"py('
import os
os.symlink(secret, "/tmp/a")
os.symlink("/tmp/../../../../../../" + secret, "/tmp/b")
os.symlink("/usr/bin", "/tmp/c")
os.symlink("/", "/tmp/d")
for attempt in (lambda: open("/tmp/a").read(), lambda: open("/tmp/b").read(), lambda: open("/tmp/c/x", "w"),
                lambda: open("/tmp/d/etc/passwd"), lambda: open("/tmp/d/x", "w"), lambda: os.link("/usr/bin/python3", "/tmp/e"),
                lambda: os.mknod("/tmp/f", 0o60666, os.makedev(8, 0)), lambda: os.chroot("/tmp")):
    try:
        print("passed", attempt())
    except OSError:
        pass
print("done")
)py");
  EXPECT_EQ(outcome.output, "done\n") << outcome.errors;
}

TEST_P(Contained, MorePrivileges) {
  const SandboxOutcome outcome = run(R"py(
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
NEW_USER, NEW_NS = 0x10000000, 0x00020000
print(libc.unshare(NEW_USER), libc.unshare(NEW_NS), libc.mount(b"none", b"/tmp", b"tmpfs", 0, None), libc.sethostname(b"x", 1))
for attempt in (lambda: os.setuid(0), lambda: os.setgid(0), lambda: os.setgroups([0])):
    try:
        attempt()
        print("became root")
    except OSError:
        pass
print(os.getuid() != 0)
)py");
  EXPECT_EQ(outcome.output, "-1 -1 -1 -1\nTrue\n") << outcome.errors;
}

TEST_P(Contained, LimitsCannotBeRaised) {
  const SandboxOutcome outcome = run(R"py(
import resource
for limit in (resource.RLIMIT_NPROC, resource.RLIMIT_FSIZE, resource.RLIMIT_CPU, resource.RLIMIT_NOFILE, resource.RLIMIT_CORE):
    soft, hard = resource.getrlimit(limit)
    try:
        resource.setrlimit(limit, (hard + 1, hard + 1))
        print("raised", limit)
    except (ValueError, OSError):
        pass
print("done")
)py");
  EXPECT_EQ(outcome.output, "done\n") << outcome.errors;
}

TEST_P(Contained, ChildInASessionOfItsOwn) {
  const std::string marker = test::unique_marker();
  const SandboxOutcome outcome = run("marker = '" + marker + R"py('
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in range(4):
            os.close(number)
        os.execv("/usr/bin/python3", ["python3", "-c", "import time; time.sleep(60)", marker])
    os._exit(0)
time.sleep(0.3)
print("left")
)py");
  EXPECT_EQ(outcome.end, SandboxEnd::exited);
  EXPECT_EQ(outcome.output, "left\n");
  EXPECT_LT(outcome.wall, milliseconds(8000));
  EXPECT_EQ(test::states_of(marker), "");  // at once: run() returns when the tree is dead
}

TEST_P(Contained, KillingTheParentAndEveryoneElse) {
  const SandboxOutcome outcome = run(R"py(
import os
for target in (os.getppid(), 1, -1):
    try:
        os.kill(target, 9)
    except OSError:
        pass
print("survived", os.getpid() > 1)
)py");
  EXPECT_EQ(outcome.output, "survived True\n") << outcome.errors;
  EXPECT_EQ(run("print(1)").output, "1\n");
}

TEST_P(Contained, OneGigabyteOfOutput) {
  for (const std::string stream : {"1", "2"}) {
    SandboxProgram program =
        test::python("import os\nfor _ in range(1 << 14): os.write(" + stream + ", b'x' * (1 << 16))");
    program.limits.output_bytes = 1 << 20;
    const SandboxOutcome outcome = run(program);
    EXPECT_EQ(outcome.end, SandboxEnd::output);
    EXPECT_EQ(outcome.output.size() + outcome.errors.size(), size_t{1} << 20);
  }
}

TEST_P(Contained, OutputUpToTheBound) {
  SandboxProgram program = test::python("import os\nfor _ in range(64): os.write(1, b'x' * 1024)");
  program.limits.output_bytes = 64 * 1024;
  const SandboxOutcome outcome = run(program);
  EXPECT_EQ(outcome.end, SandboxEnd::exited);
  EXPECT_EQ(outcome.output.size(), size_t{64} * 1024);
}

TEST_P(Contained, DeathBySignal) {
  const SandboxOutcome outcome = run("import os; os.kill(os.getpid(), 11)");
  EXPECT_EQ(outcome.end, SandboxEnd::signal);
  EXPECT_EQ(outcome.code, 11);
}

TEST_P(Contained, TheTokenComesBackOnlyWhenItIsReturned) {
  const auto returned = [this](const std::string& code) {
    SandboxProgram program = test::python("import os\n" + code);
    program.token = "proof";
    return run(program).token_returned;
  };
  EXPECT_TRUE(returned("os.write(3, os.read(3, 64))"));
  EXPECT_FALSE(returned("os._exit(0)"));
  EXPECT_FALSE(returned("os.write(3, b'other')"));
  EXPECT_FALSE(returned("os.write(3, os.read(3, 64) + b'!')"));
  EXPECT_FALSE(returned("os.write(3, b'x' * 100000)"));
  EXPECT_FALSE(returned("os.close(3)"));
}

INSTANTIATE_TEST_SUITE_P(Levels, Contained,
                         testing::Values(SandboxLevel::bubblewrap, SandboxLevel::bubblewrap_cgroup),
                         [](const auto& level) {
                           return level.param == SandboxLevel::bubblewrap ? "Bubblewrap" : "Cgroup";
                         });

// All of the above as somebody who is not root.
TEST(OrdinaryUser, EverythingIsContainedToo) {
  if (geteuid() != 0) GTEST_SKIP() << "the other tests ran as an ordinary user";
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe");
  const std::string setpriv = "setpriv --reuid 65534 --regid 65534 --clear-groups env HOME=/tmp ";
  if (std::system((setpriv + "test -x " + self.string()).c_str()) != 0)
    GTEST_SKIP() << "an ordinary user cannot read the test program";
  const TemporaryFolder folder;
  const std::string log = folder.path() / "log";
  const int status = std::system(
      (setpriv + self.string() + " --gtest_filter=Levels/Contained.*/Bubblewrap > " + log + " 2>&1").c_str());
  const std::string text = read_whole(log);
  EXPECT_EQ(status, 0) << text;
  if (test::open_pool(SandboxLevel::bubblewrap)) {
    EXPECT_THAT(text, testing::Not(HasSubstr("[  PASSED  ] 0 tests"))) << text;
  }
}

}  // namespace
}  // namespace sizeup
