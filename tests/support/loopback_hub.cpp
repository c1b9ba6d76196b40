#include "tests/support/loopback_hub.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <stdexcept>

#include "core/io/sha256.h"
#include "core/json/json.h"

namespace sizeup {
namespace {

constexpr int kPollMilliseconds = 20;
constexpr size_t kMaxHead = 64 << 10;

std::string git_id(const std::string& content) {
  std::string text = fmt::format("blob {}", content.size());
  text.push_back('\0');
  text += content;
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned length = 0;
  EVP_Digest(text.data(), text.size(), bytes.data(), &length, EVP_sha1(), nullptr);
  std::string id;
  for (unsigned i = 0; i < length; ++i) id += fmt::format("{:02x}", bytes[i]);
  return id;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

void send_all(int connection, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
}

}  // namespace

std::string LoopbackRequest::header(const std::string& name) const {
  const size_t at = lower(head).find("\r\n" + lower(name) + ": ");
  if (at == std::string::npos) return {};
  const size_t begin = at + 2 + name.size() + 2;
  return head.substr(begin, head.find("\r\n", begin) - begin);
}

LoopbackHub::LoopbackHub() {
  listener_ = socket(AF_INET, SOCK_STREAM, 0);
  fcntl(listener_, F_SETFD, FD_CLOEXEC);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (listener_ < 0 || bind(listener_, generic, size) != 0 || listen(listener_, 16) != 0 ||
      getsockname(listener_, generic, &size) != 0) {
    throw std::runtime_error("cannot listen on a loopback port");
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

LoopbackHub::~LoopbackHub() {
  done_ = true;
  thread_.join();
  close(listener_);
}

std::string LoopbackHub::endpoint() const {
  return fmt::format("http://127.0.0.1:{}", port_);
}

std::vector<LoopbackRequest> LoopbackHub::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

size_t LoopbackHub::requests_of(const std::string& path) const {
  const auto all = requests();
  return static_cast<size_t>(
      std::count_if(all.begin(), all.end(), [&](const LoopbackRequest& r) { return r.is_file(path); }));
}

void LoopbackHub::serve() {
  while (!done_) {
    pollfd waiting{listener_, POLLIN, 0};
    if (poll(&waiting, 1, kPollMilliseconds) <= 0) continue;
    const int connection = accept(listener_, nullptr, nullptr);
    if (connection < 0) continue;
    answer(connection);
    close(connection);
  }
}

void LoopbackHub::answer(int connection) {
  std::string head;
  std::array<char, 4096> buffer{};
  while (head.find("\r\n\r\n") == std::string::npos && head.size() < kMaxHead) {
    const ssize_t count = recv(connection, buffer.data(), buffer.size(), 0);
    if (count <= 0) return;
    head.append(buffer.data(), static_cast<size_t>(count));
  }
  LoopbackRequest request;
  const size_t begin = head.find(' ') + 1;
  request.target = head.substr(begin, head.find(' ', begin) - begin);
  request.head = head;
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
  }
  LoopbackReply reply = reply_to(request);
  if (on_reply) on_reply(request, reply);
  std::string text = fmt::format("HTTP/1.1 {} x\r\nConnection: close\r\n", reply.status);
  if (reply.with_length) {
    text += fmt::format("Content-Length: {}\r\n", reply.claimed_length.value_or(reply.body.size()));
  }
  for (const std::string& header : reply.headers) text += header + "\r\n";
  send_all(connection, text + "\r\n" + reply.body.substr(0, reply.cut_after.value_or(reply.body.size())));
}

LoopbackReply LoopbackHub::reply_to(const LoopbackRequest& request) const {
  LoopbackReply reply;
  if (request.target.starts_with("/api/models/" + repository + "/revision/")) {
    reply.body = listing();
    return reply;
  }
  const std::string prefix = "/" + repository + "/resolve/" + commit + "/";
  const auto file =
      request.target.starts_with(prefix) ? files.find(request.target.substr(prefix.size())) : files.end();
  if (file == files.end()) {
    reply.status = 404;
    reply.body = "no such thing";
    return reply;
  }
  reply.body = file->second;
  const std::string range = request.header("Range");  // "bytes=5-"
  if (range.starts_with("bytes=")) {
    const size_t from = std::strtoull(range.c_str() + 6, nullptr, 10);
    if (from >= reply.body.size()) {
      reply = {416, {}, "", {}, {}, true};
      return reply;
    }
    reply.headers.push_back(
        fmt::format("Content-Range: bytes {}-{}/{}", from, reply.body.size() - 1, reply.body.size()));
    reply.body.erase(0, from);
    reply.status = 206;
  }
  return reply;
}

std::string LoopbackHub::listing() const {
  Json json;
  json["id"] = repository;
  json["sha"] = commit;
  json["siblings"] = Json::array();
  for (const auto& [path, content] : files) {
    const auto lie = claimed_sizes.find(path);
    const size_t size = lie == claimed_sizes.end() ? content.size() : lie->second;
    const auto id = claimed_ids.find(path);
    Json file = {{"rfilename", path}, {"size", size}};
    if (large.contains(path)) {
      file["blobId"] = git_id("a pointer");
      file["lfs"] = {{"sha256", id == claimed_ids.end() ? sha256_hex(content) : id->second}, {"size", size}};
    } else {
      file["blobId"] = id == claimed_ids.end() ? git_id(content) : id->second;
    }
    json["siblings"].push_back(std::move(file));
  }
  return to_line(json);
}

}  // namespace sizeup
