import Kindred
import KindredVision
import Torch

let data = ImageData.textures(train: 2_000, test: 1_000)
let teacher = try Networks.make("resnet-20", for: data).loaded(from: "runs/demo/teacher/seed-1/weights.safetensors")
let student = try Networks.make("resnet-8", for: data)
let distiller = try Distiller(
  student, teacher: .live(teacher), losses: [.crossEntropy(), .similarity(weight: 100)],
  recipe: Recipe(
    epochs: 5, batchSize: 64, optimizer: .sgd(learningRate: 0.1), schedule: LearningRateSchedule(.cosine(minimum: 0))),
  data: data)
while let event = try distiller.next() {
  if case .epoch(let report) = event { print("epoch \(report.epoch): accuracy \(report.accuracy ?? 0)") }
}
try distiller.student.save(to: "student.safetensors")
