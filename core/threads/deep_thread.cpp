#include "core/threads/deep_thread.h"

#include <system_error>
#include <utility>

namespace sizeup {
namespace {

constexpr size_t kStackBytes = size_t{8} << 20;  // the first thread's on Linux and on macOS

void* run(void* body) noexcept {
  (*static_cast<std::function<void()>*>(body))();
  return nullptr;
}

}  // namespace

DeepThread::DeepThread(std::function<void()> body) : body_(std::move(body)) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  const int failed = pthread_create(&thread_, &attributes, run, &body_);
  pthread_attr_destroy(&attributes);
  if (failed != 0) throw std::system_error(failed, std::generic_category(), "no thread can be started");
}

void DeepThread::join() {
  if (!std::exchange(joined_, true)) pthread_join(thread_, nullptr);
}

}  // namespace sizeup
