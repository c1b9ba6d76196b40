// Errors as values. A function that a user, a file or an endpoint can make fail returns Result<T>;
// a broken invariant of our own throws InternalError. Nothing else throws across a public header.
#pragma once

#include <stdexcept>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace sizeup {

// What went wrong, in the terms of the command line's exit codes (see exit_code).
enum class ErrorKind {
  usage,        // the command line asks for something that makes no sense
  bad_input,    // a file's or line's content is not what was expected
  unavailable,  // a backend, a device or the environment is missing or refused
  interrupted,  // the user stopped the program; the run can be resumed
};

// One clear message: where, what is wrong, what was expected, what to do about it.
struct Error {
  ErrorKind kind = ErrorKind::bad_input;
  std::string place;     // "tickets.jsonl:12", "model.gguf (byte 4096)"; empty if there is no file
  std::string message;   // "tensor 'blk.0.attn_q.weight' ends past the end of the file"
  std::string expected;  // "at most 344320 bytes"; may be empty
  std::string hint;      // "the download may be incomplete"; may be empty
};

// "place: message (expected: ...)\n  hint: ..." for a terminal or a log.
std::string describe(const Error& error);

// The exit status of every command that ends with this kind of error.
int exit_code(ErrorKind kind);

// T or an Error. A plain subclass so that ignoring one is a compile error.
template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
};

// return bad_input("tickets.jsonl:12", "not valid JSON", "one JSON object per line", "...");
tl::unexpected<Error> bad_input(std::string place, std::string message, std::string expected = {},
                                std::string hint = {});
tl::unexpected<Error> unavailable(std::string place, std::string message, std::string hint = {});
tl::unexpected<Error> usage_error(std::string message, std::string hint = {});

// if (!parsed) return forward_error(parsed);
template <class T>
tl::unexpected<Error> forward_error(Result<T>& failed) {
  return tl::unexpected<Error>(std::move(failed.error()));
}

// A bug of ours: an invariant that no input can break was broken. (The builtins are std::source_location for
// compilers that do not have it yet.)
class InternalError : public std::logic_error {
 public:
  explicit InternalError(const std::string& what, const char* file = __builtin_FILE(),
                         int line = __builtin_LINE());
};

// Throws InternalError unless the invariant holds.
inline void require(bool holds, const char* invariant, const char* file = __builtin_FILE(),
                    int line = __builtin_LINE()) {
  if (!holds) throw InternalError(invariant, file, line);
}

}  // namespace sizeup
