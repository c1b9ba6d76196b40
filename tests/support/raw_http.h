// A client that sends the bytes it is given, to a server on a loopback port.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <utility>

namespace sizeup {

class RawHttp {
 public:
  explicit RawHttp(int port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~RawHttp() { ::close(socket_); }
  RawHttp(const RawHttp&) = delete;
  RawHttp& operator=(const RawHttp&) = delete;

  bool connected() const { return connected_; }
  bool send(const std::string& bytes) const {
    size_t sent = 0;
    while (sent < bytes.size()) {
      const ssize_t count = ::send(socket_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (count <= 0) return false;
      sent += static_cast<size_t>(count);
    }
    return true;
  }
  // What comes until `end` has come, or until the server closes; later bytes are kept for the next call.
  std::string read_until(const std::string& end) {
    size_t at = std::string::npos;
    while (end.empty() || (at = received_.find(end)) == std::string::npos) {
      std::array<char, 65536> buffer{};
      const ssize_t count = ::recv(socket_, buffer.data(), buffer.size(), 0);
      if (count <= 0) return std::exchange(received_, {});
      received_.append(buffer.data(), static_cast<size_t>(count));
    }
    std::string first = received_.substr(0, at + end.size());
    received_.erase(0, first.size());
    return first;
  }

 private:
  int socket_;
  bool connected_ = false;
  std::string received_;
};

inline std::string http_get(const std::string& path, const std::string& headers = {}) {
  return "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + headers + "\r\n";
}

inline std::string http_post(const std::string& path, const std::string& body,
                             const std::string& headers = "Connection: close\r\n") {
  return "POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n" + headers + "\r\n" + body;
}

// The whole reply to one request.
inline std::string http_exchange(int port, const std::string& request) {
  RawHttp client(port);
  EXPECT_TRUE(client.connected());
  client.send(request);
  return client.read_until("");
}

}  // namespace sizeup
