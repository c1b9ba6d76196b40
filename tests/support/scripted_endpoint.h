// An OpenAI-compatible server on a loopback port that does as its script says: bytes, pauses, resets. One
// loop on one thread holds a thousand connections.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace sizeup {

struct EndpointRequest {
  std::string path;  // "/v1/chat/completions"
  std::string head;  // the request's lines as they came
  std::string body;
  int number = 0;  // of this path, from 0

  std::string header(const std::string& name) const;  // empty if it is not there
};

struct ScriptStep {
  std::string bytes = {};
  std::chrono::milliseconds pause{0};  // before them
};

enum class ScriptEnd { keep, close, reset };

struct EndpointScript {
  std::vector<ScriptStep> steps;
  ScriptEnd end = ScriptEnd::keep;  // of the connection, after the steps
};

class ScriptedEndpoint {
 public:
  // `on_request` is called on the server's thread.
  explicit ScriptedEndpoint(std::function<EndpointScript(const EndpointRequest&)> on_request);
  ~ScriptedEndpoint();
  ScriptedEndpoint(const ScriptedEndpoint&) = delete;
  ScriptedEndpoint& operator=(const ScriptedEndpoint&) = delete;

  std::string base_url() const;                   // "http://127.0.0.1:PORT/v1"
  std::vector<EndpointRequest> requests() const;  // so far
  size_t requests_of(std::string_view path_end) const;
  int most_at_once() const;  // answers that were being sent

 private:
  struct Server;
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

// A whole HTTP answer with its length. `headers` are lines with their "\r\n".
EndpointScript http_answer(int status, std::string_view content_type, std::string_view body,
                           std::string_view headers = {});
EndpointScript json_answer(std::string_view body);

// A stream: its head, then each text as a step of its own, sent as it stands (chunked); ended well.
EndpointScript event_stream(const std::vector<std::string>& texts, std::chrono::milliseconds pause = {});
std::string chunk(std::string_view bytes);  // of a chunked body
constexpr std::string_view kStreamHead =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

// "data: {...}\n\n" of one piece of a chat's answer; the last one; the counts.
std::string chat_delta(std::string_view text);
std::string chat_end(std::string_view reason = "stop");
std::string chat_usage(int prompt, int completion);
constexpr std::string_view kDone = "data: [DONE]\n\n";
std::string chat_json(std::string_view text, int prompt = 7, int completion = 3);

// A server without faults for the model "tiny": lists it, and says `text` in chats, as a stream if asked to.
// It has no completions.
EndpointScript plain_chat_server(const EndpointRequest& request, const std::string& text = "four");

}  // namespace sizeup
