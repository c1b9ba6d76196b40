#include "reports/views/write_views.h"

#include <cmath>

#include "core/io/part_file.h"
#include "core/json/json.h"
#include "harness/store/views.h"
#include "reports/csv/csv.h"

namespace sizeup {
namespace {

// Rows are handed to the file in pieces: the view of failures holds every prompt.
constexpr size_t kPiece = size_t{1} << 20;

void add_cell(CsvTable& table, const ViewCell& cell) {
  if (const auto* integer = std::get_if<int64_t>(&cell)) {
    table.integer(*integer);
  } else if (const auto* real = std::get_if<double>(&cell)) {
    table.number(*real);
  } else if (const auto* text = std::get_if<std::string>(&cell)) {
    table.text(*text);
  } else {
    table.text("");
  }
}

Json json_of(const ViewCell& cell) {
  if (const auto* integer = std::get_if<int64_t>(&cell)) return *integer;
  if (const auto* real = std::get_if<double>(&cell)) return std::isfinite(*real) ? Json(*real) : Json();
  if (const auto* text = std::get_if<std::string>(&cell)) return *text;
  return nullptr;
}

// Rows in the form of the file.
class RowText {
 public:
  RowText(ViewFormat format, const std::vector<std::string>& columns)
      : format_(format), columns_(columns), table_({columns.begin(), columns.end()}) {
    if (format == ViewFormat::json_lines) table_.take();
  }

  void add(std::span<const ViewCell> row) {
    if (format_ == ViewFormat::csv) {
      for (const ViewCell& cell : row) add_cell(table_, cell);
      return;
    }
    Json line = Json::object();
    for (size_t column = 0; column < row.size(); ++column) line[columns_[column]] = json_of(row[column]);
    lines_ += to_line(line) + "\n";
  }

  size_t size() const { return table_.content().size() + lines_.size(); }
  std::string take() { return format_ == ViewFormat::csv ? table_.take() : std::exchange(lines_, {}); }

 private:
  ViewFormat format_;
  const std::vector<std::string>& columns_;
  CsvTable table_;
  std::string lines_;
};

Result<WrittenView> write_view(const Store& store, const std::string& view,
                               const std::filesystem::path& folder, ViewFormat format) {
  auto columns = view_columns(store, view);
  if (!columns) return forward_error(columns);
  WrittenView written{folder / (view + (format == ViewFormat::csv ? ".csv" : ".jsonl"))};
  auto part = PartFile::open(written.file.string() + ".part");
  if (!part) return forward_error(part);
  if (!part->clear()) return tl::unexpected<Error>(part->error());
  RowText rows(format, *columns);
  const auto hand_over = [&]() -> Result<void> {
    if (!part->append(rows.take())) return tl::unexpected<Error>(part->error());
    return {};
  };
  auto read = read_view(store, view, {}, [&](std::span<const ViewCell> row) -> Result<void> {
    rows.add(row);
    ++written.rows;
    return rows.size() < kPiece ? Result<void>() : hand_over();
  });
  if (!read) return forward_error(read);
  if (auto rest = hand_over(); !rest) return forward_error(rest);
  if (auto finished = part->finish(written.file); !finished) return forward_error(finished);
  return written;
}

}  // namespace

Result<std::vector<WrittenView>> write_views(const Store& store, const std::filesystem::path& folder,
                                             ViewFormat format) {
  if (auto made = make_folder(folder); !made) return forward_error(made);
  auto views = view_names(store);
  if (!views) return forward_error(views);
  std::vector<WrittenView> files;
  for (const std::string& view : *views) {
    auto written = write_view(store, view, folder, format);
    if (!written) return forward_error(written);
    files.push_back(std::move(*written));
  }
  return files;
}

}  // namespace sizeup
