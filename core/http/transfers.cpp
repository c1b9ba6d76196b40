#include "core/http/transfers.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "core/errors/result.h"
#include "core/http/libcurl.h"
#include "core/http/socket_events.h"

namespace sizeup {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMaxHeaderBytes = 64 << 10;  // real ones have one or two thousand
constexpr long kUploadBuffer = 16 << 10;      // of each transfer: the default would be 64 KiB
constexpr auto kMaxRetryAfter = std::chrono::seconds(86'400);

struct HeaderList {
  curl_slist* first = nullptr;
  ~HeaderList() { curl_slist_free_all(first); }
  void add(const std::string& line) { first = curl_slist_append(first, line.c_str()); }
};

TransferEnd::Kind kind_of(CURLcode code, bool connected) {
  switch (code) {
    case CURLE_OK:
      return TransferEnd::Kind::whole;
    case CURLE_OPERATION_TIMEDOUT:
      return connected ? TransferEnd::Kind::timed_out : TransferEnd::Kind::broken;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_HTTP3:
    case CURLE_QUIC_CONNECT_ERROR:
      return TransferEnd::Kind::broken;
    default:
      return TransferEnd::Kind::hopeless;
  }
}

}  // namespace

struct HttpTransfers::State {
  // One request on its way, or a handle that waits for the next one.
  struct Slot {
    State* state = nullptr;
    int number = 0;
    CURL* curl = nullptr;
    std::string body;
    size_t header_bytes = 0;
    int status = 0;
    std::string content_type;
    std::array<char, CURL_ERROR_SIZE> detail{};
    bool refused = false;
    bool active = false;

    void clear() {
      body.clear();
      header_bytes = 0;
      status = 0;
      content_type.clear();
      detail.front() = '\0';
      refused = false;
    }
  };

  State(const TransferSettings& given, TransferListener& to) : settings(given), listener(to) {
    initialise_libcurl();
    multi = curl_multi_init();
    require(multi != nullptr, "libcurl gives a multi handle");
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, &State::on_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, &State::on_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, this);
    for (const std::string& header : settings.headers) headers.add(header);
    headers.add("Expect:");  // libcurl would wait for a "100 Continue" before large bodies
    json_headers.add("Content-Type: application/json");
    for (const std::string& header : settings.headers) json_headers.add(header);
    json_headers.add("Expect:");
  }

  ~State() {
    for (const auto& slot : slots) {
      if (slot->active) curl_multi_remove_handle(multi, slot->curl);
      curl_easy_cleanup(slot->curl);
    }
    curl_multi_cleanup(multi);
  }

  static int on_socket(CURL*, curl_socket_t socket, int what, void* self, void*) {
    static_cast<State*>(self)->events.watch(socket, what == CURL_POLL_IN || what == CURL_POLL_INOUT,
                                            what == CURL_POLL_OUT || what == CURL_POLL_INOUT);
    return 0;
  }

  static int on_timer(CURLM*, long milliseconds, void* self) {
    auto& timer = static_cast<State*>(self)->timer;
    timer =
        milliseconds < 0 ? Clock::time_point::max() : Clock::now() + std::chrono::milliseconds(milliseconds);
    return 0;
  }

  static size_t on_header(char*, size_t size, size_t count, void* slot) {
    size_t& bytes = static_cast<Slot*>(slot)->header_bytes;
    bytes += size * count;
    return bytes > kMaxHeaderBytes ? 0 : size * count;
  }

  static size_t on_body(char* bytes, size_t size, size_t count, void* self) {
    Slot& slot = *static_cast<Slot*>(self);
    if (slot.status == 0) {
      slot.status = status_of(slot.curl);
      char* type = nullptr;
      curl_easy_getinfo(slot.curl, CURLINFO_CONTENT_TYPE, &type);
      if (type != nullptr) slot.content_type = type;
    }
    slot.refused = !slot.state->listener.on_bytes(slot.number, slot.status, slot.content_type,
                                                  std::string_view(bytes, size * count));
    return slot.refused ? 0 : size * count;
  }

  static int status_of(CURL* curl) {
    long code = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
    return static_cast<int>(code);
  }

  Slot& free_slot() {
    if (!unused.empty()) {
      Slot& slot = *slots[static_cast<size_t>(unused.back())];
      unused.pop_back();
      return slot;
    }
    Slot& slot = *slots.emplace_back(std::make_unique<Slot>());
    slot.state = this;
    slot.number = static_cast<int>(slots.size()) - 1;
    slot.curl = curl_easy_init();
    require(slot.curl != nullptr, "libcurl gives a handle");
    set_up(slot);
    return slot;
  }

  void set_up(Slot& slot) const {
    CURL* curl = slot.curl;
    curl_easy_setopt(curl, CURLOPT_PRIVATE, &slot);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "sizeup");
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
    curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, kUploadBuffer);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(settings.connect_limit.count()));
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(settings.total_limit.count()));
    if (!settings.ca_file.empty()) {
      curl_easy_setopt(curl, CURLOPT_CAINFO, settings.ca_file.c_str());
      curl_easy_setopt(curl, CURLOPT_CAPATH, nullptr);  // the machine's folder would count beside the file
    }
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, slot.detail.data());
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &State::on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &slot);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &State::on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &slot);
  }

  void release(Slot& slot) {
    curl_multi_remove_handle(multi, slot.curl);
    slot.active = false;
    unused.push_back(slot.number);
  }

  TransferEnd end_of(const Slot& slot, CURLcode code) const {
    TransferEnd end;
    end.status = status_of(slot.curl);
    curl_off_t connected = 0;
    curl_easy_getinfo(slot.curl, CURLINFO_PRETRANSFER_TIME_T, &connected);
    end.kind = slot.refused ? TransferEnd::Kind::refused : kind_of(code, connected > 0);
    if (code != CURLE_OK) end.failure = failure_in_words(code, slot.detail.data());
    if (slot.header_bytes > kMaxHeaderBytes)
      end.failure = fmt::format("headers of more than {} bytes", kMaxHeaderBytes);
    curl_off_t seconds = 0;
    curl_easy_getinfo(slot.curl, CURLINFO_RETRY_AFTER, &seconds);
    if (seconds > 0) end.retry_after = std::min(std::chrono::seconds(seconds), kMaxRetryAfter);
    return end;
  }

  void take_ended() {
    int left = 0;
    while (CURLMsg* message = curl_multi_info_read(multi, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      Slot* slot = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &slot);
      const TransferEnd end = end_of(*slot, message->data.result);
      release(*slot);
      listener.on_end(slot->number, end);
    }
  }

  TransferSettings settings;
  TransferListener& listener;
  SocketEvents events;
  CURLM* multi = nullptr;
  HeaderList headers, json_headers;
  Clock::time_point timer = Clock::time_point::max();
  std::vector<std::unique_ptr<Slot>> slots;
  std::vector<int> unused;
};

HttpTransfers::HttpTransfers(const TransferSettings& settings, TransferListener& listener)
    : state_(std::make_unique<State>(settings, listener)) {}

HttpTransfers::~HttpTransfers() = default;

int HttpTransfers::start(const std::string& url, std::string body) {
  State::Slot& slot = state_->free_slot();
  slot.clear();
  slot.active = true;
  slot.body = std::move(body);
  curl_easy_setopt(slot.curl, CURLOPT_URL, url.c_str());
  if (slot.body.empty()) {
    curl_easy_setopt(slot.curl, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(slot.curl, CURLOPT_HTTPHEADER, state_->headers.first);
  } else {
    curl_easy_setopt(slot.curl, CURLOPT_POST, 1L);
    curl_easy_setopt(slot.curl, CURLOPT_POSTFIELDS, slot.body.data());
    curl_easy_setopt(slot.curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(slot.body.size()));
    curl_easy_setopt(slot.curl, CURLOPT_HTTPHEADER, state_->json_headers.first);
  }
  const CURLMcode added = curl_multi_add_handle(state_->multi, slot.curl);
  require(added == CURLM_OK, "libcurl takes a transfer");
  return slot.number;
}

void HttpTransfers::cancel(int transfer) {
  State::Slot& slot = *state_->slots.at(static_cast<size_t>(transfer));
  require(slot.active, "only what was started can be cancelled");
  state_->release(slot);
}

void HttpTransfers::wait(Clock::time_point until) {
  const auto now = Clock::now();
  const auto next = std::min(until, state_->timer);
  // Rounded up: a wait that ends before its time would be made again and again.
  const auto patience =
      next == Clock::time_point::max()
          ? std::chrono::milliseconds::max()
          : std::chrono::ceil<std::chrono::milliseconds>(std::max(next - now, Clock::duration::zero()));
  int running = 0;
  for (const SocketEvent& event : state_->events.wait(patience)) {
    const int what = (event.readable ? CURL_CSELECT_IN : 0) | (event.writable ? CURL_CSELECT_OUT : 0) |
                     (event.failed ? CURL_CSELECT_ERR : 0);
    curl_multi_socket_action(state_->multi, event.socket, what, &running);
  }
  if (state_->timer <= Clock::now()) {
    state_->timer = Clock::time_point::max();
    curl_multi_socket_action(state_->multi, CURL_SOCKET_TIMEOUT, 0, &running);
  }
  state_->take_ended();
}

void HttpTransfers::wake() {
  state_->events.wake();
}

}  // namespace sizeup
