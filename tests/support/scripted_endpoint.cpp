#include "tests/support/scripted_endpoint.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <charconv>
#include <map>
#include <optional>
#include <stdexcept>

#include "core/http/socket_events.h"
#include "core/json/json.h"

namespace sizeup {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kBacklog = 1024;

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

void make_nonblocking(int socket) {
  fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK);
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

struct Connection {
  std::string in;
  std::optional<EndpointScript> script;
  size_t step = 0;
  size_t sent = 0;  // of the step
  Clock::time_point due;
  bool wants_write = false;
};

}  // namespace

std::string EndpointRequest::header(const std::string& name) const {
  const size_t at = lower(head).find("\r\n" + lower(name) + ": ");
  if (at == std::string::npos) return {};
  const size_t begin = at + 2 + name.size() + 2;
  return head.substr(begin, head.find("\r\n", begin) - begin);
}

struct ScriptedEndpoint::Server {
  std::function<EndpointScript(const EndpointRequest&)> on_request;
  int listener = -1;
  int port = 0;
  std::atomic<bool> done = false;
  mutable std::mutex mutex;
  std::vector<EndpointRequest> requests;
  std::map<std::string, int> counts;
  int most_at_once = 0;
  SocketEvents events;
  std::map<int, Connection> connections;

  void listen_on_loopback() {
    listener = socket(AF_INET, SOCK_STREAM, 0);
    fcntl(listener, F_SETFD, FD_CLOEXEC);
    fcntl(listener, F_SETFL, O_NONBLOCK);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (listener < 0 || bind(listener, generic, size) != 0 || listen(listener, kBacklog) != 0 ||
        getsockname(listener, generic, &size) != 0) {
      throw std::runtime_error("cannot listen on a loopback port");
    }
    port = ntohs(address.sin_port);
    events.watch(listener, true, false);
  }

  void serve() {
    while (!done) {
      auto next = Clock::time_point::max();
      for (const auto& [socket, connection] : connections) {
        if (connection.script && !connection.wants_write) next = std::min(next, connection.due);
      }
      const auto now = Clock::now();
      const auto patience =
          next == Clock::time_point::max()
              ? std::chrono::milliseconds::max()
              : std::chrono::ceil<std::chrono::milliseconds>(std::max(next - now, Clock::duration::zero()));
      for (const SocketEvent& event : events.wait(patience)) {
        if (event.socket == listener) {
          accept_all();
        } else if (event.readable || event.failed) {
          read_from(event.socket);
        } else if (event.writable) {
          connections[event.socket].wants_write = false;
        }
      }
      send_due();
    }
    for (const auto& [socket, connection] : connections) close(socket);
    close(listener);
  }

  void accept_all() {
    while (true) {
      const int socket = accept(listener, nullptr, nullptr);
      if (socket < 0) return;
      make_nonblocking(socket);
      connections[socket] = {};
      events.watch(socket, true, false);
    }
  }

  void drop(int socket) {
    events.watch(socket, false, false);
    close(socket);
    connections.erase(socket);
  }

  void read_from(int socket) {
    Connection& connection = connections[socket];
    std::array<char, 16384> buffer;
    while (true) {
      const ssize_t count = recv(socket, buffer.data(), buffer.size(), 0);
      if (count > 0) {
        connection.in.append(buffer.data(), static_cast<size_t>(count));
        continue;
      }
      if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
        drop(socket);
        return;
      }
      break;
    }
    if (!connection.script) take_request(connection);
  }

  void take_request(Connection& connection) {
    const size_t end = connection.in.find("\r\n\r\n");
    if (end == std::string::npos) return;
    EndpointRequest request;
    request.head = connection.in.substr(0, end + 2);
    const std::string claimed = request.header("Content-Length");
    size_t length = 0;
    std::from_chars(claimed.data(), claimed.data() + claimed.size(), length);
    if (connection.in.size() < end + 4 + length) return;
    request.body = connection.in.substr(end + 4, length);
    connection.in.erase(0, end + 4 + length);
    const size_t begin = request.head.find(' ') + 1;
    request.path = request.head.substr(begin, request.head.find(' ', begin) - begin);
    request.number = counts[request.path]++;
    connection.script = on_request(request);
    connection.step = connection.sent = 0;
    connection.due = Clock::now() + (connection.script->steps.empty() ? std::chrono::milliseconds(0)
                                                                      : connection.script->steps[0].pause);
    const std::lock_guard lock(mutex);
    requests.push_back(std::move(request));
    most_at_once =
        std::max(most_at_once,
                 static_cast<int>(std::count_if(connections.begin(), connections.end(),
                                                [](const auto& c) { return c.second.script.has_value(); })));
  }

  void send_due() {
    std::vector<int> sockets;
    const auto now = Clock::now();
    for (const auto& [socket, connection] : connections) {
      if (connection.script && !connection.wants_write && connection.due <= now) sockets.push_back(socket);
    }
    for (const int socket : sockets) send_step(socket);
  }

  void send_step(int socket) {
    Connection& connection = connections[socket];
    const EndpointScript& script = *connection.script;
    if (connection.step < script.steps.size()) {
      const std::string& bytes = script.steps[connection.step].bytes;
      const ssize_t count =
          send(socket, bytes.data() + connection.sent, bytes.size() - connection.sent, MSG_NOSIGNAL);
      if (count < 0 && errno != EAGAIN) {
        drop(socket);
        return;
      }
      connection.sent += static_cast<size_t>(std::max<ssize_t>(count, 0));
      connection.wants_write = connection.sent < bytes.size();
      events.watch(socket, true, connection.wants_write);
      if (connection.wants_write) return;
      connection.sent = 0;
      if (++connection.step < script.steps.size()) {
        // From when the step was due, not from when it was sent: a busy machine makes no stream slower.
        connection.due += script.steps[connection.step].pause;
        return;
      }
    }
    finish(socket, script.end);
  }

  void finish(int socket, ScriptEnd end) {
    if (end == ScriptEnd::keep) {
      connections[socket].script.reset();
      take_request(connections[socket]);
      return;
    }
    const linger at_once{1, 0};
    if (end == ScriptEnd::reset) setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    drop(socket);
  }
};

ScriptedEndpoint::ScriptedEndpoint(std::function<EndpointScript(const EndpointRequest&)> on_request)
    : server_(std::make_unique<Server>()) {
  server_->on_request = std::move(on_request);
  server_->listen_on_loopback();
  thread_ = std::thread([this] { server_->serve(); });
}

ScriptedEndpoint::~ScriptedEndpoint() {
  server_->done = true;
  server_->events.wake();
  thread_.join();
}

std::string ScriptedEndpoint::base_url() const {
  return fmt::format("http://127.0.0.1:{}/v1", server_->port);
}

std::vector<EndpointRequest> ScriptedEndpoint::requests() const {
  const std::lock_guard lock(server_->mutex);
  return server_->requests;
}

size_t ScriptedEndpoint::requests_of(std::string_view path_end) const {
  const auto all = requests();
  return static_cast<size_t>(std::count_if(all.begin(), all.end(), [&](const EndpointRequest& request) {
    return request.path.ends_with(path_end);
  }));
}

int ScriptedEndpoint::most_at_once() const {
  const std::lock_guard lock(server_->mutex);
  return server_->most_at_once;
}

EndpointScript http_answer(int status, std::string_view content_type, std::string_view body,
                           std::string_view headers) {
  return {{{fmt::format("HTTP/1.1 {} x\r\nContent-Type: {}\r\nContent-Length: {}\r\n{}\r\n{}", status,
                        content_type, body.size(), headers, body)}}};
}

EndpointScript json_answer(std::string_view body) {
  return http_answer(200, "application/json", body);
}

std::string chunk(std::string_view bytes) {
  return fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes);
}

EndpointScript event_stream(const std::vector<std::string>& texts, std::chrono::milliseconds pause) {
  EndpointScript script{{{std::string(kStreamHead)}}};
  for (const std::string& text : texts) script.steps.push_back({chunk(text), pause});
  script.steps.push_back({"0\r\n\r\n"});
  return script;
}

namespace {

std::string event(const Json& json) {
  return "data: " + to_line(json) + "\n\n";
}

Json usage_json(int prompt, int completion) {
  return {{"prompt_tokens", prompt},
          {"completion_tokens", completion},
          {"prompt_tokens_details", {{"cached_tokens", 2}}},
          {"completion_tokens_details", {{"reasoning_tokens", 1}}}};
}

}  // namespace

std::string chat_delta(std::string_view text) {
  return event({{"choices",
                 Json::array({{{"index", 0}, {"delta", {{"content", text}}}, {"finish_reason", nullptr}}})}});
}

std::string chat_end(std::string_view reason) {
  return event(
      {{"choices", Json::array({{{"index", 0}, {"delta", Json::object()}, {"finish_reason", reason}}})}});
}

std::string chat_usage(int prompt, int completion) {
  return event({{"choices", Json::array()}, {"usage", usage_json(prompt, completion)}});
}

std::string chat_json(std::string_view text, int prompt, int completion) {
  return to_line(Json{{"choices", Json::array({{{"index", 0},
                                                {"message", {{"role", "assistant"}, {"content", text}}},
                                                {"finish_reason", "stop"}}})},
                      {"usage", usage_json(prompt, completion)}});
}

EndpointScript plain_chat_server(const EndpointRequest& request, const std::string& text) {
  if (request.path.ends_with("/models"))
    return json_answer(R"({"data": [{"id": "tiny", "max_model_len": 2048}]})");
  if (!request.path.ends_with("/chat/completions"))
    return http_answer(404, "application/json", R"({"error": {"message": "no such thing"}})");
  const Json body = Json::parse(request.body);
  if (!body.value("stream", false)) return json_answer(chat_json(text));
  return event_stream({chat_delta(text), chat_end(), chat_usage(7, 3) + std::string(kDone)});
}

}  // namespace sizeup
