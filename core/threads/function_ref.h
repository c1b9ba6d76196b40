// A reference to something callable, for parameters: unlike std::function it neither copies nor allocates, so
// it costs nothing to pass a lambda with many captures. (C++26 has it as std::function_ref.)
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

namespace sizeup {

template <class Signature>
class FunctionRef;

// Valid as long as what it refers to: a temporary lives until the end of the call it is an argument of.
template <class R, class... Args>
class FunctionRef<R(Args...)> {
 public:
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, FunctionRef> && std::is_invocable_r_v<R, F&, Args...>)
      FunctionRef(F&& callable)  // NOLINT(google-explicit-constructor): a lambda is passed as it is
      : object_(const_cast<void*>(static_cast<const void*>(std::addressof(callable)))),
        call_([](void* object, Args... args) -> R {
          return (*static_cast<std::remove_reference_t<F>*>(object))(std::forward<Args>(args)...);
        }) {}

  R operator()(Args... args) const { return call_(object_, std::forward<Args>(args)...); }

 private:
  void* object_;
  R (*call_)(void*, Args...);
};

}  // namespace sizeup
