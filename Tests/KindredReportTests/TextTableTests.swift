// Tables and CSV records, whole.

import KindredReport
import Testing

@Suite struct TextTableTests {
  private var table: TextTable {
    var table = TextTable([.text("class"), .number("images"), .text("note")])
    table.append(["cat", "1000", ""])
    table.append(["a|b", "5", "few – too few"])
    return table
  }

  @Test func terminal() {
    #expect(
      table.text == """
        class  images  note
        -----  ------  -------------
        cat      1000
        a|b         5  few – too few

        """)
  }

  @Test func markdown() {
    #expect(
      table.markdown == """
        | class | images | note          |
        | ----- | -----: | ------------- |
        | cat   |   1000 |               |
        | a\\|b  |      5 | few – too few |

        """)
  }

  @Test func withoutTitles() {
    var table = TextTable([.text(""), .text("")])
    table.append(["libtorch", "2.13.0"])
    table.append(["threads", "2"])
    #expect(table.text == "libtorch  2.13.0\nthreads   2\n")
  }

  @Test(arguments: [
    (["plain", "1.5", ""], "plain,1.5,\r\n"),
    (["KD, T = 4"], "\"KD, T = 4\"\r\n"),
    (["the \"best\""], "\"the \"\"best\"\"\"\r\n"),
    (["two\nlines", "x"], "\"two\nlines\",x\r\n"),
    (["two\r\nlines"], "\"two\r\nlines\"\r\n"),
    (["\""], "\"\"\"\"\r\n"),
  ])
  func csv(fields: [String], record: String) { #expect(CSV.record(fields) == record) }
}
