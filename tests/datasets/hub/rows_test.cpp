#include "datasets/hub/rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <vector>

#include "core/io/sha256.h"
#include "core/json/json.h"
#include "datasets/hub/rows_page.h"
#include "tests/support/files.h"
#include "tests/support/loopback_hub.h"

namespace sizeup {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// The rows service on a loopback port: a data set of 250 rows, in pages as they are asked for.
class RowsService : public testing::Test {
 protected:
  RowsService() {
    setenv("no_proxy", "*", 1);
    settings.endpoint = "http://127.0.0.1:1";  // nobody's: the hub itself is not asked
    settings.rows_endpoint = server.endpoint();
    settings.rows_cache = folder.path() / "rows";
    settings.first_pause = std::chrono::milliseconds(1);
    settings.stall = std::chrono::seconds(10);
    settings.on_message = [this](const std::string& message) { messages.push_back(message); };
    server.on_reply = [this](const LoopbackRequest& request, LoopbackReply& reply) {
      if (request.target.starts_with("/splits?")) {
        reply = {.body = to_line({{"splits", splits}})};
      } else if (request.target.starts_with("/rows?")) {
        reply = {.headers = {"X-Revision: " + revision}, .body = to_line(page(offset_of(request)))};
      }
      if (misbehave) misbehave(request, reply);
    };
  }

  static int64_t offset_of(const LoopbackRequest& request) {
    const size_t at = request.target.find("offset=");
    return at == std::string::npos ? -1 : std::stoll(request.target.substr(at + 7));
  }

  static std::string row(int64_t index) {
    return to_line({{"question", "what is " + std::to_string(index) + "\n?"}, {"answer", index}});
  }

  Json page(int64_t offset) const {
    Json rows = Json::array();
    for (int64_t i = offset; i < std::min(total, offset + 100); ++i) {
      rows.push_back({{"row_idx", i}, {"row", Json::parse(row(i))}, {"truncated_cells", Json::array()}});
    }
    return {{"features", Json::array()}, {"rows", rows}, {"num_rows_total", total}, {"partial", false}};
  }

  std::string all_rows() const {
    std::string text;
    for (int64_t i = 0; i < total; ++i) text += row(i) + "\n";
    return text;
  }

  // The fetched file's content, or what went wrong.
  std::string fetch(const std::string& reference = "hf:datasets/org/tiny?config=main") const {
    const Result<HubRows> rows = HubRows::parse(reference);
    if (!rows) return describe(rows.error());
    const Result<std::filesystem::path> file = fetch_rows(*rows, settings);
    return file ? read_whole(*file) : describe(file.error());
  }

  std::vector<int64_t> offsets() const {
    std::vector<int64_t> all;
    for (const LoopbackRequest& request : server.requests()) {
      if (request.target.starts_with("/rows?")) all.push_back(offset_of(request));
    }
    return all;
  }

  TemporaryFolder folder;
  LoopbackHub server;
  HubSettings settings;
  std::vector<std::string> messages;
  int64_t total = 250;
  std::string revision = "abc";
  Json splits = Json::array({{{"config", "main"}, {"split", "train"}},
                             {{"config", "main"}, {"split", "test"}},
                             {{"config", "other"}, {"split", "test"}}});
  std::function<void(const LoopbackRequest&, LoopbackReply&)> misbehave;
};

TEST_F(RowsService, RowsComeInPagesAndAreKept) {
  EXPECT_EQ(fetch(), all_rows());
  EXPECT_THAT(offsets(), ElementsAre(0, 100, 200));
  EXPECT_THAT(server.requests()[1].target,
              "/rows?dataset=org%2Ftiny&config=main&split=test&offset=0&length=100");
  EXPECT_THAT(messages, ElementsAre("fetching 250 rows of hf:datasets/org/tiny?config=main&split=test"));
  const Json known = Json::parse(read_whole(settings.rows_cache / "org--tiny/main/test.json"));
  EXPECT_EQ(known["rows"], 250);
  EXPECT_EQ(known["revision"], "abc");
  EXPECT_EQ(known["sha256"], sha256_hex(all_rows()));
  const size_t asked = server.requests().size();
  EXPECT_EQ(fetch(), all_rows());
  EXPECT_EQ(server.requests().size(), asked) << "what is there opens no connection";
}

TEST_F(RowsService, OfflineOpensNoConnection) {
  settings.offline = true;
  EXPECT_THAT(fetch(), AllOf(HasSubstr("hf:datasets/org/tiny?config=main&split=test is not in the cache"),
                             HasSubstr("--offline")));
  EXPECT_TRUE(server.requests().empty());
  settings.offline = false;
  fetch();
  settings.offline = true;
  const size_t asked = server.requests().size();
  EXPECT_EQ(fetch(), all_rows());
  EXPECT_EQ(server.requests().size(), asked);
}

TEST_F(RowsService, TheTokenGoesToTheServiceOnly) {
  LoopbackHub elsewhere;
  elsewhere.on_reply = [this](const LoopbackRequest& request, LoopbackReply& reply) {
    reply = {.headers = {"X-Revision: " + revision}, .body = to_line(page(offset_of(request)))};
  };
  settings.token = "hf_secret";
  misbehave = [&](const LoopbackRequest& request, LoopbackReply& reply) {
    if (offset_of(request) != 100) return;
    reply = {.status = 307, .headers = {"Location: " + elsewhere.endpoint() + request.target}};
  };
  EXPECT_EQ(fetch(), all_rows());
  EXPECT_EQ(server.requests()[0].header("Authorization"), "Bearer hf_secret");
  ASSERT_EQ(elsewhere.requests().size(), 1u);
  EXPECT_EQ(elsewhere.requests()[0].header("Authorization"), "");
}

TEST_F(RowsService, WhatPassesIsTriedAgain) {
  int busy = 0;
  misbehave = [&](const LoopbackRequest& request, LoopbackReply& reply) {
    if (offset_of(request) != 100) return;
    ++busy;
    if (busy == 1) reply = {.status = 429, .headers = {"Retry-After: 1"}};
    if (busy == 2) reply.cut_after = 500;
    if (busy == 3) reply = {.status = 503};
  };
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(fetch(), all_rows());
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(900))
      << "as the service asks";
  EXPECT_THAT(offsets(), ElementsAre(0, 100, 100, 100, 100, 200));
}

TEST_F(RowsService, ABrokenDownloadIsContinued) {
  misbehave = [](const LoopbackRequest& request, LoopbackReply& reply) {
    if (offset_of(request) == 100) reply = {.status = 500};
  };
  EXPECT_THAT(fetch(), HasSubstr("status 500"));
  const std::filesystem::path part = settings.rows_cache / "org--tiny/main/test.jsonl.part";
  std::ofstream(part, std::ios::app) << "{\"question\": \"half a li";  // as a crash leaves it
  misbehave = {};
  const size_t before = offsets().size();
  EXPECT_EQ(fetch(), all_rows());
  const auto all = offsets();
  EXPECT_THAT(std::vector<int64_t>(all.begin() + static_cast<std::ptrdiff_t>(before), all.end()),
              ElementsAre(100, 200));
  EXPECT_FALSE(std::filesystem::exists(part));
}

TEST_F(RowsService, AChangedDataSetIsFetchedAnew) {
  misbehave = [](const LoopbackRequest& request, LoopbackReply& reply) {
    if (offset_of(request) == 200) reply = {.status = 404};
  };
  EXPECT_THAT(fetch(), HasSubstr("status 404"));
  misbehave = {};
  total = 240;
  revision = "def";
  EXPECT_EQ(fetch(), all_rows());
}

TEST_F(RowsService, LiesAboutTheNumberOfRowsAreNoticed) {
  const auto lie = [this](int64_t at, const std::function<void(Json&)>& change) {
    misbehave = [this, at, change](const LoopbackRequest& request, LoopbackReply& reply) {
      if (offset_of(request) != at) return;
      Json answer = page(at);
      change(answer);
      reply.body = to_line(answer);
    };
    const std::string said = fetch();
    std::filesystem::remove_all(settings.rows_cache);
    return said;
  };
  EXPECT_THAT(lie(200, [](Json& answer) { answer["rows"].erase(7); }),
              HasSubstr("sends 49 rows from row 200 on, and says that there are 250 in all"));
  EXPECT_THAT(lie(200, [](Json& answer) { answer["rows"] = Json::array(); }), HasSubstr("sends 0 rows"));
  EXPECT_THAT(lie(0, [](Json& answer) { answer["rows"].push_back(answer["rows"][0]); }),
              HasSubstr("sends 101 rows"));
  EXPECT_THAT(lie(100, [](Json& answer) { answer["rows"][3]["row_idx"] = 7; }),
              HasSubstr("another row where row 103 was asked for"));
  EXPECT_THAT(lie(100, [](Json& answer) { answer["num_rows_total"] = 251; }),
              HasSubstr("changes from page to page"));
  EXPECT_THAT(lie(0, [](Json& answer) { answer["num_rows_total"] = -1; }),
              HasSubstr("not the rows service's"));
  EXPECT_THAT(lie(0, [](Json& answer) { answer["num_rows_total"] = 1'000'000'000; }),
              HasSubstr("more than 10000000 rows"));
}

TEST_F(RowsService, RowsThatAreNotWholeAreRefused) {
  misbehave = [this](const LoopbackRequest& request, LoopbackReply& reply) {
    if (offset_of(request) < 0) return;
    Json answer = page(0);
    answer["rows"][3]["truncated_cells"] = Json::array({"question"});
    reply.body = to_line(answer);
  };
  EXPECT_THAT(fetch(), AllOf(HasSubstr("cuts cells of row 3"), HasSubstr("download the data set's files")));
  misbehave = [this](const LoopbackRequest& request, LoopbackReply& reply) {
    if (offset_of(request) < 0) return;
    Json answer = page(0);
    answer["partial"] = true;
    reply.body = to_line(answer);
  };
  EXPECT_THAT(fetch(), HasSubstr("a part of the data set only"));
}

TEST_F(RowsService, ADamagedCacheIsFetchedAnew) {
  fetch();
  const auto file = settings.rows_cache / "org--tiny/main/test.jsonl";
  std::ofstream(file, std::ios::app) << "{}\n";
  settings.offline = true;
  EXPECT_THAT(fetch(), HasSubstr("is not in the cache"));
  settings.offline = false;
  EXPECT_EQ(fetch(), all_rows());
}

TEST_F(RowsService, ConfigsAndSplitsAreFound) {
  EXPECT_THAT(fetch("org/tiny"), AllOf(HasSubstr("several configs"), HasSubstr("one of main, other")));
  EXPECT_THAT(fetch("org/tiny?config=mian"), AllOf(HasSubstr("no config 'mian'"), HasSubstr("main, other")));
  EXPECT_THAT(fetch("org/tiny?config=main&split=dev"),
              AllOf(HasSubstr("no split 'dev'"), HasSubstr("one of train, test")));
  splits.push_back({{"config", "default"}, {"split", "test"}});
  EXPECT_EQ(fetch("org/tiny"), all_rows());
  settings.offline = true;
  EXPECT_EQ(fetch("org/tiny"), all_rows());
  EXPECT_EQ(fetch("org/tiny?config=default"), all_rows());
}

TEST_F(RowsService, OtherAnswersAreSaidToBeNone) {
  misbehave = [](const LoopbackRequest&, LoopbackReply& reply) { reply = {.body = "<html>"}; };
  EXPECT_THAT(fetch(), HasSubstr("not the rows service's"));
  misbehave = [](const LoopbackRequest&, LoopbackReply& reply) { reply = {.status = 401}; };
  EXPECT_THAT(fetch(), HasSubstr("HF_TOKEN"));
}

TEST(HubRows, NamesThatLeadElsewhereAreRefused) {
  for (const char* name : {"hf:datasets/../x", "org/tiny?split=../x", "org/tiny?config=..",
                           "org/tiny?split=", "org/tiny?revision=main", "", "a/b/c"}) {
    const auto rows = HubRows::parse(name);
    ASSERT_FALSE(rows.has_value()) << name;
    EXPECT_EQ(rows.error().kind, ErrorKind::usage);
  }
  EXPECT_EQ(HubRows::parse("hf:datasets/a/b?split=dev&config=x y")->text(),
            "hf:datasets/a/b?config=x y&split=dev");
  EXPECT_EQ(HubRows::parse("gsm8k")->split, "test");
}

}  // namespace
}  // namespace sizeup
