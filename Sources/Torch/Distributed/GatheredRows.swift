// The rows of all processes as one batch, with their gradient.

extension ProcessGroup {
  /// The rows of all ranks, one rank's after the other's, of which each gives its share: a batch of `total` rows.
  /// - Throws: `ProcessGroupError`.
  public func gatherRows(_ own: Tensor, of total: Int) throws -> Tensor {
    guard isShared else { return own }
    return try withoutGradients {
      // Channels-last maps are gathered as they lie in memory.
      let isChannelsLast = own.shape.count == 4 && !own.isContiguous() && own.isContiguous(.channelsLast)
      let rows = isChannelsLast ? own.detached().permuted([0, 2, 3, 1]) : own.detached()
      let largest = (total + rank.count - 1) / rank.count
      let (count, rest) = (rows.shape[0], Array(rows.shape.dropFirst()))
      let padding = Tensor.zeros([largest - count] + rest, dtype: rows.dtype, device: rows.device)
      let all = try allGather(count == largest ? rows : .concatenated([rows, padding]))
      let whole =
        total == largest * rank.count
        ? all.reshaped([total] + rest)
        : .concatenated(rank.all.map { all[$0.index].narrowed(0, 0..<$0.rows(of: total).count) })
      return isChannelsLast ? whole.permuted([0, 3, 1, 2]) : whole
    }
  }

  /// The rows of all ranks, with a gradient, for a value that each rank computes alike from all of them.
  ///
  /// Each rank's own rows get the gradient of its own value, times the number of ranks: since all ranks' values are the same,
  /// that is the gradient of their sum, and nothing is exchanged on the way back. With gradients of parameters that are
  /// averaged over the ranks it comes to what one process with all rows has.
  /// - Throws: `ProcessGroupError`.
  public func gatherRowsForAll(_ own: Tensor, of total: Int) throws -> Tensor {
    let whole = try gatherRows(own, of: total)
    guard isShared, own.requiresGradient else { return whole }
    let (rows, count) = (rank.rows(of: total), Double(rank.count))
    return .value(whole, of: own) { $0.narrowed(0, rows) * count }
  }

  /// The statistics of all ranks' rows, ranks x the shape of one's own, with a gradient: the sum of what all ranks' values say of
  /// the rank's own.
  ///
  /// A failure is told by the group's next exchange.
  func gatherStatistics(_ own: Tensor) -> Tensor {
    let all = orZeros([rank.count] + own.shape, like: own) { try allGather(own) }
    guard own.requiresGradient else { return all }
    return .value(all, of: own) { [self] gradient in
      orZeros(own.shape, like: own) {
        let sum = gradient.contiguous().clone()
        try allReduce(sum)
        return sum[rank.index]
      }
    }
  }

  /// Where nothing can be thrown: within operations and their way back.
  private func orZeros(_ shape: [Int], like tensor: Tensor, _ body: () throws -> Tensor) -> Tensor {
    (try? body()) ?? .zeros(shape, dtype: tensor.dtype, device: tensor.device)
  }
}
