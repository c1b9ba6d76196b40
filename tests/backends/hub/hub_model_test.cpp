#include "backends/hub/hub.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sizeup {
namespace {

TEST(HubModel, HasItsParts) {
  const auto model = HubModel::parse("Org/Name@v1.0", "a.gguf", HubNeed::model);
  ASSERT_TRUE(model.has_value());
  EXPECT_EQ(model->repository, "Org/Name");
  EXPECT_EQ(model->revision, "v1.0");
  EXPECT_EQ(model->file, "a.gguf");
  EXPECT_EQ(HubModel::parse("Org/Name", "", HubNeed::model)->revision, "main");
}

TEST(HubModel, RefusesNamesThatLeadElsewhere) {
  struct Case {
    const char *name, *file;
  };
  for (const Case& given : {Case{"../x", ""}, Case{"a/b@", ""}, Case{"a/b@../../x", ""}, Case{"a/b@/etc", ""},
                            Case{"a/b", "../x.gguf"}, Case{"a/b", "x.bin"}}) {
    const auto model = HubModel::parse(given.name, given.file, HubNeed::model);
    ASSERT_FALSE(model.has_value()) << given.name << " " << given.file;
    EXPECT_EQ(model.error().kind, ErrorKind::usage);
  }
}

}  // namespace
}  // namespace sizeup
