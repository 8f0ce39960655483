// libtorch itself and the machine it runs on.

import CTorch
import Foundation

/// The libtorch that this program runs with.
public enum Runtime {
  /// libtorch's version, such as 2.13.0.
  public static var version: String { String(cString: ct_version()) }

  /// The folder that libtorch was loaded from.
  package static var libraryFolder: String? {
    ct_library_path().map { URL(filePath: String(cString: $0)).deletingLastPathComponent().path }
  }

  /// The vector instructions that libtorch's kernels use here, such as AVX512.
  package static var cpuCapability: String { String(cString: ct_cpu_capability()) }

  /// The threads that an operation is spread over. Set it before the first operation.
  public static var threadCount: Int {
    get { Int(ct_thread_count()) }
    set { check(ct_set_thread_count(Int32(newValue)), "set_num_threads") }
  }

  /// The number of CUDA devices; 0 where libtorch was built without CUDA.
  public static var cudaDeviceCount: Int { Int(ct_cuda_device_count()) }

  /// Makes numbers too small for full precision zero: they cost many times the time of others.
  public static func flushDenormals() { ct_set_flush_denormals(true) }

  /// Keeps cuDNN to algorithms that give the same bits each time.
  package static func makeConvolutionsDeterministic() { ct_set_deterministic_convolutions(true) }

  /// Keeps memory that tensors leave for the tensors that follow, where the C library can be told to.
  ///
  /// A training step allocates and frees the same hundreds of megabytes each time. By its own rules the library gives
  /// them back to the system in between, whose pages must then be cleared anew.
  package static func keepFreedMemory() { ct_keep_freed_memory() }
}
