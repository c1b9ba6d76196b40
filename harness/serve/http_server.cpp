#include "harness/serve/http_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <httplib.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "harness/serve/api_error.h"

namespace sizeup {
namespace {

// A client that says or takes nothing for so long in the middle of something has gone.
constexpr int kStallMilliseconds = 30'000;
// A connection without a request is kept so long: clients open another without complaint.
constexpr int kIdleMilliseconds = 15'000;
constexpr int kLookMilliseconds = 100;  // how soon an idle connection sees that the server stops
// Clients that come at the same moment: the library's own 5 would let the others try again a second later.
constexpr int kBacklog = 1024;

bool wait_for(int socket, short what, int milliseconds) {
  pollfd one{.fd = socket, .events = what, .revents = 0};
  int ready = 0;
  do {
    ready = ::poll(&one, 1, milliseconds);
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
}

// The library's own stream waits in select(), which takes only the first 1024 sockets of a process, and tells
// nobody whether the client is still there.
class Connection final : public httplib::Stream {
 public:
  explicit Connection(int socket) : socket_(socket) {}

#if defined(CPPHTTPLIB_VERSION_NUM)  // 0.23.1 and newer
  bool is_readable() const override {
    return begin_ < end_;
  }
  bool wait_readable() const override {
    return is_readable() || wait_for(socket_, POLLIN, kStallMilliseconds);
  }
  bool wait_writable() const override {
    return takes_more();
  }
  time_t duration() const override {
    return 0;
  }  // since a request began; for limits that nobody sets
#else
  bool is_readable() const override {
    return begin_ < end_ || wait_for(socket_, POLLIN, kStallMilliseconds);
  }
  bool is_writable() const override {
    return takes_more();
  }
#endif

  ssize_t read(char* bytes, size_t size) override {
    if (begin_ == end_) {
      if (!wait_for(socket_, POLLIN, kStallMilliseconds)) return -1;
      const ssize_t count = ::recv(socket_, buffer_.data(), buffer_.size(), 0);
      if (count <= 0) return count;
      begin_ = 0;
      end_ = static_cast<size_t>(count);
    }
    const size_t count = std::min(size, end_ - begin_);
    std::memcpy(bytes, buffer_.data() + begin_, count);
    begin_ += count;
    return static_cast<ssize_t>(count);
  }

  ssize_t write(const char* bytes, size_t size) override {
    if (!takes_more()) return -1;
    return ::send(socket_, bytes, size, MSG_NOSIGNAL);
  }

  void get_remote_ip_and_port(std::string& ip, int& port) const override {
    address(ip, port, ::getpeername);
  }
  void get_local_ip_and_port(std::string& ip, int& port) const override {
    address(ip, port, ::getsockname);
  }
  // Asked for by nobody but the library's check that select() can be used.
  socket_t socket() const override {
    return 0;
  }

  // Whether another request has begun to come; waits for it a moment.
  bool has_request(int milliseconds) const {
    return begin_ < end_ || wait_for(socket_, POLLIN, milliseconds);
  }

  // Closed, or broken. Requests sent ahead don't hide it for long: they are not read before this one's reply.
  bool gone() const {
    if (!wait_for(socket_, POLLIN, 0)) return false;
    char byte = 0;
    const ssize_t count = ::recv(socket_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR);
  }

 private:
  bool takes_more() const {
    return wait_for(socket_, POLLOUT, kStallMilliseconds) && !gone();
  }

  void address(std::string& ip, int& port, int (*name)(int, sockaddr*, socklen_t*)) const {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (name(socket_, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return;
    if (storage.ss_family == AF_INET) {
      const auto& four = reinterpret_cast<const sockaddr_in&>(storage);
      ip = ::inet_ntop(AF_INET, &four.sin_addr, text.data(), text.size());
      port = ntohs(four.sin_port);
    } else if (storage.ss_family == AF_INET6) {
      const auto& six = reinterpret_cast<const sockaddr_in6&>(storage);
      ip = ::inet_ntop(AF_INET6, &six.sin6_addr, text.data(), text.size());
      port = ntohs(six.sin6_port);
    }
  }

  int socket_;
  std::array<char, 16384> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
};

void send_reply(HttpReply reply, httplib::Response& out) {
  out.status = reply.status;
  for (const auto& [name, value] : reply.headers) out.set_header(name, value);
  if (!reply.stream) {
    out.set_content(reply.body, reply.type);
    return;
  }
  out.set_chunked_content_provider(reply.type,
                                   [stream = std::move(reply.stream)](size_t, httplib::DataSink& sink) {
                                     bool all = true;
                                     stream([&](std::string_view piece) {
                                       all = all && sink.write(piece.data(), piece.size());
                                       return all;
                                     });
                                     sink.done();
                                     return all;
                                   });
}

std::string_view plain_error(int status) {
  switch (status) {
    case 404:
      return "there is nothing here";
    case 413:
      return "the body is too large";
    case 414:
      return "the address is too long";
    case 500:
      return "the request failed here";
    case 415:
      return "the body is not JSON";
    default:
      return "this is no request that can be understood";
  }
}

}  // namespace

// With connections of our own in the library's loop.
struct HttpServer::Transport final : public httplib::Server {
  Transport(size_t most_body, Answer given) : most_body_bytes(most_body), answer(std::move(given)) {
    set_payload_max_length(most_body_bytes);
    set_tcp_nodelay(true);
    set_socket_options([](int socket) {
      // The library's own SO_REUSEPORT would let two servers share a port without a word.
      const int yes = 1;
      ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    set_keep_alive_max_count(std::numeric_limits<int>::max());
    set_keep_alive_timeout(kIdleMilliseconds / 1000);
    // Before the library looks for patterns, which it finds with regular expressions.
    set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
      if (request.method == "POST") return HandlerResponse::Unhandled;
      reply_to(request, "", response);
      return HandlerResponse::Handled;
    });
    Post("/v1/(chat/)?completions", [this](const httplib::Request& request, httplib::Response& response,
                                           const httplib::ContentReader& reader) {
      if (auto body = read_body(request, response, reader)) reply_to(request, std::move(*body), response);
    });
    // Of what the library refuses itself, perhaps before it has read the body: the rest of it is no request.
    set_error_handler([this](const httplib::Request& request, httplib::Response& response) {
      if (!response.body.empty()) return;
      response.set_content(
          api_error_body({.status = response.status, .message = std::string(plain_error(response.status))}),
          "application/json");
      const std::lock_guard lock(mutex);
      const auto found = open.find({request.remote_addr, request.remote_port});
      if (found != open.end()) found->second->close_after_reply = true;
    });
    set_exception_handler([](const httplib::Request&, httplib::Response& response, std::exception_ptr) {
      response.status = 500;
    });
  }

  bool bound(const HttpSettings& settings) {
    port = settings.port == 0 ? bind_to_any_port(settings.host)
                              : (bind_to_port(settings.host, settings.port) ? settings.port : -1);
    return port > 0 && ::listen(svr_sock_, kBacklog) == 0;
  }

  // Nothing where the reply was made already. What is sent compressed or in chunks of unknown number counts
  // as it comes out.
  std::optional<std::string> read_body(const httplib::Request& request, httplib::Response& response,
                                       const httplib::ContentReader& reader) {
    if (request.is_multipart_form_data()) {
      response.status = 415;
      return std::nullopt;
    }
    std::string body;
    bool too_large = false;
    const bool whole = reader([&](const char* bytes, size_t size) {
      too_large = body.size() + size > most_body_bytes;
      if (!too_large) body.append(bytes, size);
      return !too_large;
    });
    if (whole) return body;
    if (too_large) response.status = 413;
    return std::nullopt;
  }

  void reply_to(const httplib::Request& request, std::string body, httplib::Response& response) {
    const Connection& connection = connection_of(request);
    send_reply(answer({.method = request.method,
                       .path = request.path,
                       .authorization = request.get_header_value("Authorization"),
                       .body = std::move(body),
                       .gone = [&connection] { return connection.gone(); }}),
               response);
  }

  // A handler sees a request, not whose it is.
  struct Open {
    Connection* connection = nullptr;
    bool close_after_reply = false;
  };
  using Address = std::pair<std::string, int>;

  const Connection& connection_of(const httplib::Request& request) {
    const std::lock_guard lock(mutex);
    return *open.at({request.remote_addr, request.remote_port})->connection;
  }

  // Versions of the library before 0.18 ask the connection for its addresses, newer ones the caller.
  template <class Self, class Setup>
  static bool reply_on(Self& self, Connection& connection, bool& last, const Setup& setup) {
    if constexpr (requires { self.process_request(connection, false, last, setup); }) {
      return self.process_request(connection, false, last, setup);
    } else {
      std::string remote, local;
      int remote_port = 0;
      int local_port = 0;
      connection.get_remote_ip_and_port(remote, remote_port);
      connection.get_local_ip_and_port(local, local_port);
      return self.process_request(connection, remote, remote_port, local, local_port, false, last, setup);
    }
  }

  bool process_and_close_socket(int socket) override {
    Connection connection(socket);
    Open mine{.connection = &connection};
    Address address;
    connection.get_remote_ip_and_port(address.first, address.second);
    {
      const std::lock_guard lock(mutex);
      open[address] = &mine;
    }
    int idle = 0;
    bool last = false;
    while (!last && !mine.close_after_reply && idle < kIdleMilliseconds && svr_sock_ != INVALID_SOCKET) {
      if (!connection.has_request(kLookMilliseconds)) {
        idle += kLookMilliseconds;
        continue;
      }
      idle = 0;
      bool understood = false;  // or where the next request begins is unknown
      const bool replied = reply_on(*this, connection, last, [&](httplib::Request& request) {
        understood = true;
        // Compressing costs more than a loopback or a local network takes, and parts of a reply mean nothing.
        request.headers.erase("Accept-Encoding");
        request.ranges.clear();
      });
      last = last || !replied || !understood;
    }
    {
      const std::lock_guard lock(mutex);
      open.erase(address);
    }
    ::shutdown(socket, SHUT_RDWR);
    ::close(socket);
    return true;
  }

  const size_t most_body_bytes;
  const Answer answer;
  int port = -1;
  std::mutex mutex;
  std::map<Address, Open*> open;
  std::thread listener;
};

HttpServer::HttpServer(std::unique_ptr<Transport> transport) : transport_(std::move(transport)) {}
HttpServer::~HttpServer() {
  stop();
}

Result<std::unique_ptr<HttpServer>> HttpServer::open(const HttpSettings& settings, Answer answer) {
  auto transport = std::make_unique<Transport>(settings.most_body_bytes, std::move(answer));
  transport->new_task_queue = [connections = settings.connections] {
    return new httplib::ThreadPool(static_cast<size_t>(connections));
  };
  if (!transport->bound(settings)) {
    return unavailable(fmt::format("{}:{}", settings.host, settings.port), "the address cannot be had",
                       "another program may listen there; --port 0 takes a free port");
  }
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(transport)));
}

int HttpServer::port() const {
  return transport_->port;
}

void HttpServer::start() {
  transport_->listener = std::thread([this] { transport_->listen_after_bind(); });
  // A stop before that would be lost.
  while (!transport_->is_running()) std::this_thread::yield();
}

bool HttpServer::accepting() const {
  return transport_->is_running();
}

void HttpServer::stop() {
  transport_->stop();
  if (transport_->listener.joinable()) transport_->listener.join();
}

}  // namespace sizeup
