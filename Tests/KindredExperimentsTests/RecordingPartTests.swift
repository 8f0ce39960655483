// Parts of a recording as people, Slurm and Kubernetes name them.

import Kindred
import KindredExperiments
import Testing

@Suite struct RecordingPartTextTests {
  private static func slurm(_ id: String, min: String = "0", max: String = "3", count: String = "4") -> [String: String]
  {
    [
      "SLURM_ARRAY_TASK_ID": id, "SLURM_ARRAY_TASK_MIN": min, "SLURM_ARRAY_TASK_MAX": max,
      "SLURM_ARRAY_TASK_COUNT": count,
    ]
  }

  @Test(
    arguments: [
      ("2/4", [:], 2, 4), ("1/1", [:], 1, 1),
      ("auto", slurm("0"), 1, 4), ("auto", slurm("4", min: "1", max: "4"), 4, 4), ("auto/4", slurm("2"), 3, 4),
      ("auto/4", ["JOB_COMPLETION_INDEX": "0"], 1, 4), ("auto/4", ["JOB_COMPLETION_INDEX": "3"], 4, 4),
      ("2/3", slurm("0"), 2, 3),
    ] as [(String, [String: String], Int, Int)])
  func aPartIsRead(text: String, environment: [String: String], number: Int, count: Int) throws {
    #expect(try RecordingPart(text, environment: environment) == RecordingPart(number, of: count))
  }

  @Test(
    arguments: [
      ("", [:], "is no part"), ("2", [:], "is no part"), ("2/x", [:], "is no part"), ("1/2/3", [:], "is no part"),
      ("auto/", [:], "is no part"), ("0/4", [:], "counted from 1 to 4"), ("5/4", [:], "counted from 1 to 4"),
      ("x/4", [:], "counted from 1 to 4"), ("1/0", [:], "between 1 and"), ("1/9999999", [:], "between 1 and"),
      ("auto", [:], "neither SLURM_ARRAY_TASK_ID nor JOB_COMPLETION_INDEX is set"),
      ("auto", ["JOB_COMPLETION_INDEX": "0"], "write auto/N"),
      ("auto/4", ["JOB_COMPLETION_INDEX": "4"], "parts go from 0 to 3"),
      ("auto/4", ["JOB_COMPLETION_INDEX": "-1"], "JOB_COMPLETION_INDEX is '-1', not a number"),
      ("auto", ["SLURM_ARRAY_TASK_ID": "1"], "SLURM_ARRAY_TASK_MIN is not set"),
      // --array=1,3,7 and --array=0-6:2
      ("auto", slurm("3", min: "1", max: "7", count: "3"), "3 tasks from 1 to 7 do not follow each other"),
      ("auto", slurm("6", max: "6", count: "4"), "4 tasks from 0 to 6 do not follow each other"),
      // One task of an array, given again by itself.
      ("auto/4", slurm("3", min: "3", max: "3", count: "1"), "the array has 1 tasks; say which part task 3 is"),
    ] as [(String, [String: String], String)])
  func aMistakeIsNamed(text: String, environment: [String: String], problem: String) {
    let error = #expect(throws: RunError.self) { try RecordingPart(text, environment: environment) }
    #expect(error?.description.contains(problem) == true, "\(error?.description ?? "")")
  }

  @Test func numbersOfPartsAreShort() {
    #expect([3].partsInWords == "part 3" && [1, 3].partsInWords == "parts 1 and 3")
    #expect([1, 2, 3, 4, 6, 9, 10].partsInWords == "parts 1 to 4, 6, 9 and 10")
  }
}
