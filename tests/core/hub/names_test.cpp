#include "core/hub/names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sizeup {
namespace {

TEST(Names, RepositoriesAreOneOrTwoPlainParts) {
  for (const char* name : {"gpt2", "Org/Name-7B.v2", "a/b_c"}) EXPECT_TRUE(is_repository_name(name)) << name;
  for (const char* name : {"", "/", "a/", "/a", "a/b/c", "..", "../a", "a/..", "a--b/c", "a/b..c", "a/.b",
                           "a/b-", "a b", "a/b?c", "a/b#", "a\\b", "a/ü"}) {
    EXPECT_FALSE(is_repository_name(name)) << name;
  }
  EXPECT_FALSE(is_repository_name(std::string(97, 'a')));
}

TEST(Names, PathsStayBelowTheirFolder) {
  for (const char* path : {"a", "a/b.gguf", "...", "a b/ü", "..a/b"}) EXPECT_TRUE(is_safe_path(path)) << path;
  for (const char* path :
       {"", "/a", "a/", "a//b", ".", "..", "a/..", "../a", "a/./b", "a\\b", "a\nb", "\x1b[2J"}) {
    EXPECT_FALSE(is_safe_path(path)) << path;
  }
  EXPECT_FALSE(is_safe_path(std::string("a\0b", 3)));
  EXPECT_FALSE(is_safe_path(std::string(2000, 'a')));
}

TEST(Names, CommitsAreFortyDigits) {
  EXPECT_TRUE(is_commit("0123456789abcdef0123456789abcdef01234567"));
  EXPECT_FALSE(is_commit("0123456789ABCDEF0123456789abcdef01234567"));
  EXPECT_FALSE(is_commit("0123456"));
}

TEST(Names, AddressesAreEncoded) {
  EXPECT_EQ(url_encoded("a b/ü?#%", true), "a%20b/%C3%BC%3F%23%25");
  EXPECT_EQ(url_encoded("refs/pr/1", false), "refs%2Fpr%2F1");
}

}  // namespace
}  // namespace sizeup
