// What the cache holds is found, by us and by huggingface_hub's rules; --offline opens no connection.
#include <gmock/gmock.h>

#include "core/io/sha256.h"
#include "tests/backends/hub/hub_fixture.h"

namespace sizeup {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class Cache : public HubFixture {};

TEST_F(Cache, HasTheHubsLayout) {
  ASSERT_TRUE(fetch().has_value());
  EXPECT_EQ(read_whole(repository_folder() / "refs" / "main"), hub.commit);
  const fs::path link = snapshot() / "model.safetensors";
  EXPECT_EQ(fs::read_symlink(link), "../../blobs/" + sha256_hex(weights));
  EXPECT_TRUE(fs::exists(settings.cache / ".locks" / "models--org--tiny" / (sha256_hex(weights) + ".lock")));
}

TEST_F(Cache, UnchangedFilesAreNotFetchedAgain) {
  ASSERT_TRUE(fetch().has_value());
  const size_t before = hub.requests().size();
  ASSERT_TRUE(fetch().has_value());
  EXPECT_EQ(hub.requests().size(), before + 1) << "the revision is asked for, nothing else";
}

TEST_F(Cache, ANewCommitFetchesWhatChanged) {
  ASSERT_TRUE(fetch().has_value());
  hub.commit = std::string(40, 'b');
  hub.files["config.json"] = "{\"new\": true}";
  const auto place = fetch();
  ASSERT_TRUE(place.has_value()) << describe(place.error());
  EXPECT_EQ(hub.requests_of("model.safetensors"), 1u);
  EXPECT_EQ(read_whole(*place / "config.json"), "{\"new\": true}");
  EXPECT_EQ(read_whole(*place / "model.safetensors"), weights);
  EXPECT_EQ(read_whole(repository_folder() / "refs" / "main"), hub.commit);
}

TEST_F(Cache, OfflineUsesWhatIsThere) {
  ASSERT_TRUE(fetch().has_value());
  const size_t before = hub.requests().size();
  settings.offline = true;
  const auto place = fetch();
  ASSERT_TRUE(place.has_value()) << describe(place.error());
  EXPECT_EQ(*place, snapshot());
  EXPECT_EQ(hub.requests().size(), before);
}

TEST_F(Cache, OfflineSaysWhatIsMissing) {
  settings.offline = true;
  EXPECT_THAT(failure(),
              AllOf(HasSubstr("hf:org/tiny@main is not in the cache"), HasSubstr("without --offline")));
  EXPECT_THAT(failure("org/tiny@" + hub.commit), HasSubstr("is not in the cache"));
  // As another program leaves it that wanted the tokenizer only.
  fs::create_directories(snapshot());
  fs::create_directories(repository_folder() / "refs");
  std::ofstream(repository_folder() / "refs" / "main") << hub.commit << "\n";
  std::ofstream(snapshot() / "tokenizer.json") << "{}";
  EXPECT_THAT(failure(), HasSubstr("the cache has no weights"));
  std::ofstream(snapshot() / "config.json") << "{}";
  std::ofstream(snapshot() / "model.safetensors.index.json")
      << R"({"weight_map": {"a": "a.safetensors", "b": "b.safetensors"}})";
  std::ofstream(snapshot() / "a.safetensors") << "x";
  EXPECT_THAT(failure(), HasSubstr("the cache lacks b.safetensors"));
  std::ofstream(snapshot() / "b.safetensors") << "x";
  EXPECT_EQ(failure(), "fetched " + snapshot().string());
  EXPECT_THAT(hub.requests(), IsEmpty());
}

TEST_F(Cache, ACommitThatIsThereNeedsNoConnection) {
  const std::string name = "org/tiny@" + hub.commit;
  ASSERT_TRUE(fetch(name).has_value());
  const size_t before = hub.requests().size();
  ASSERT_TRUE(fetch(name).has_value());
  EXPECT_EQ(hub.requests().size(), before);
}

TEST_F(Cache, AHubThatIsDownIsReplacedByTheCache) {
  ASSERT_TRUE(fetch().has_value());
  hub.on_reply = [](const LoopbackRequest&, LoopbackReply& reply) { reply = {503, {}, "", {}, {}, true}; };
  const auto place = fetch();
  ASSERT_TRUE(place.has_value()) << describe(place.error());
  EXPECT_EQ(*place, snapshot());
  ASSERT_THAT(messages, SizeIs(1));
  EXPECT_THAT(messages[0], HasSubstr("using what the cache has"));
}

TEST_F(Cache, AHubThatSaysNoIsNot) {
  ASSERT_TRUE(fetch().has_value());
  hub.on_reply = [](const LoopbackRequest&, LoopbackReply& reply) { reply = {404, {}, "", {}, {}, true}; };
  EXPECT_THAT(failure(), HasSubstr("404"));
}

TEST_F(Cache, AHalfDoneDownloadIsNoRevision) {
  ASSERT_TRUE(fetch().has_value());
  const fs::path complete = snapshot();
  hub.commit = std::string(40, 'b');
  hub.files["model.safetensors"] = "new weights";
  hub.on_reply = [](const LoopbackRequest& request, LoopbackReply& reply) {
    if (request.is_file("model.safetensors")) reply = {404, {}, "", {}, {}, true};
  };
  EXPECT_THAT(failure(), HasSubstr("404"));
  settings.offline = true;
  EXPECT_EQ(failure(), "fetched " + complete.string());
}

TEST_F(Cache, ALostBlobIsFetchedAgain) {
  ASSERT_TRUE(fetch().has_value());
  fs::remove(repository_folder() / "blobs" / sha256_hex(weights));
  ASSERT_TRUE(fetch().has_value());
  EXPECT_EQ(read_whole(snapshot() / "model.safetensors"), weights);
}

TEST_F(Cache, ACutBlobIsFetchedAgain) {
  ASSERT_TRUE(fetch().has_value());
  fs::resize_file(repository_folder() / "blobs" / sha256_hex(weights), 1000);
  ASSERT_TRUE(fetch().has_value());
  EXPECT_EQ(read_whole(snapshot() / "model.safetensors"), weights);
}

TEST_F(Cache, BranchesMayHaveSlashes) {
  const auto place = fetch("org/tiny@refs/pr/3");
  ASSERT_TRUE(place.has_value()) << describe(place.error());
  EXPECT_THAT(hub.requests()[0].target, HasSubstr("/revision/refs%2Fpr%2F3?blobs=true"));
  EXPECT_EQ(read_whole(repository_folder() / "refs" / "refs" / "pr" / "3"), hub.commit);
}

}  // namespace
}  // namespace sizeup
