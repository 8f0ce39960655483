// The C interface over libtorch that the Swift module `Torch` is built on.
//
// Conventions
// - A `ct_tensor` is an owned handle: free it once with `ct_free`. No call takes ownership of its arguments.
// - A call that returns a handle returns NULL on failure; one that returns `int` returns 0 on success. The reason is
//   then in `ct_last_error`, which belongs to the calling thread and is overwritten by its next failure.
// - Nothing throws across this boundary.
#ifndef CTORCH_H
#define CTORCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ct_tensor_s *ct_tensor;
typedef struct ct_generator_s *ct_generator;
typedef struct ct_exported_s *ct_exported;
typedef struct ct_outputs_s *ct_outputs;
typedef struct ct_graph_s *ct_graph;
typedef struct ct_store_s *ct_store;
typedef struct ct_group_s *ct_group;
typedef struct ct_work_s *ct_work;

// A list of integers: shapes, axes, paddings.
typedef struct {
  const int64_t *values;
  size_t count;
} ct_ints;

// A list of handles, borrowed for the call.
typedef struct {
  const ct_tensor *values;
  size_t count;
} ct_tensors;

// Element type codes are c10::ScalarType's, device kinds 0 (CPU) and 1 (CUDA), layouts c10::MemoryFormat's
// (0 contiguous, 2 channels-last).
typedef struct {
  int dtype;
  int device_kind;
  int device_index;
} ct_options;

// Errors
const char *ct_last_error(void);
bool ct_last_error_is_out_of_memory(void);

// Lifetime and description
void ct_free(ct_tensor tensor);
ct_tensor ct_undefined(void);
bool ct_is_defined(ct_tensor tensor);
size_t ct_dimension_count(ct_tensor tensor);
void ct_shape(ct_tensor tensor, int64_t *shape);
void ct_strides(ct_tensor tensor, int64_t *strides);
int64_t ct_element_count(ct_tensor tensor);
ct_options ct_options_of(ct_tensor tensor);
bool ct_is_contiguous(ct_tensor tensor, int layout);

// Creation
ct_tensor ct_empty(ct_ints shape, ct_options options);
ct_tensor ct_full(ct_ints shape, double value, ct_options options);
ct_tensor ct_arange(int64_t count, ct_options options);
ct_tensor ct_eye(int64_t size, ct_options options);
ct_tensor ct_from_bytes(const void *bytes, size_t byte_count, ct_ints shape, int dtype);
// Takes the memory as it is; `release` is called with `owner` when no tensor uses it any more.
ct_tensor ct_from_memory(void *memory, ct_ints shape, int dtype, void (*release)(void *), void *owner);
// Copies the elements, in row-major order of the shape whatever the layout in memory, into `bytes`.
int ct_copy_to_bytes(ct_tensor tensor, void *bytes, size_t byte_count);

// Conversion
ct_tensor ct_to(ct_tensor tensor, ct_options options, bool copy);
ct_tensor ct_contiguous(ct_tensor tensor, int layout);
ct_tensor ct_clone(ct_tensor tensor);
ct_tensor ct_detach(ct_tensor tensor);
// Puts other data (type, device, layout) behind an existing handle, as PyTorch's `parameter.data = ...`.
int ct_set_data(ct_tensor tensor, ct_tensor data);

// Shape and indexing
ct_tensor ct_reshape(ct_tensor tensor, ct_ints shape);
ct_tensor ct_flatten(ct_tensor tensor, int64_t start);
ct_tensor ct_permute(ct_tensor tensor, ct_ints axes);
ct_tensor ct_transpose(ct_tensor tensor, int64_t a, int64_t b);
ct_tensor ct_unsqueeze(ct_tensor tensor, int64_t axis);
ct_tensor ct_squeeze(ct_tensor tensor, int64_t axis);
ct_tensor ct_expand(ct_tensor tensor, ct_ints shape);
ct_tensor ct_narrow(ct_tensor tensor, int64_t axis, int64_t start, int64_t length);
ct_tensor ct_select(ct_tensor tensor, int64_t axis, int64_t index);
ct_tensor ct_index_select(ct_tensor tensor, int64_t axis, ct_tensor indices);
ct_tensor ct_gather(ct_tensor tensor, int64_t axis, ct_tensor indices);
ct_tensor ct_flip(ct_tensor tensor, ct_ints axes);
ct_tensor ct_pad(ct_tensor tensor, ct_ints padding, double value);
ct_tensor ct_concatenate(ct_tensors tensors, int64_t axis);
ct_tensor ct_stack(ct_tensors tensors, int64_t axis);

// Arithmetic
ct_tensor ct_add(ct_tensor a, ct_tensor b);
ct_tensor ct_subtract(ct_tensor a, ct_tensor b);
ct_tensor ct_multiply(ct_tensor a, ct_tensor b);
ct_tensor ct_divide(ct_tensor a, ct_tensor b);
ct_tensor ct_add_scalar(ct_tensor a, double b);
ct_tensor ct_multiply_scalar(ct_tensor a, double b);
ct_tensor ct_divide_scalar(ct_tensor a, double b);
ct_tensor ct_power(ct_tensor a, double exponent);
ct_tensor ct_negate(ct_tensor a);
ct_tensor ct_absolute(ct_tensor a);
ct_tensor ct_square_root(ct_tensor a);
ct_tensor ct_exponential(ct_tensor a);
ct_tensor ct_logarithm(ct_tensor a);
// scale * a + shift
ct_tensor ct_affine(ct_tensor a, double scale, double shift);
// To whole numbers, halves to even
ct_tensor ct_round(ct_tensor a);
ct_tensor ct_clamp_minimum(ct_tensor a, double minimum);
// a where it is above the limit, else the value
ct_tensor ct_hardtanh(ct_tensor a, double minimum, double maximum);
ct_tensor ct_threshold(ct_tensor a, double limit, double value);
ct_tensor ct_equal(ct_tensor a, ct_tensor b);
ct_tensor ct_greater_scalar(ct_tensor a, double b);
ct_tensor ct_equal_scalar(ct_tensor a, double b);
ct_tensor ct_where(ct_tensor condition, ct_tensor a, ct_tensor b);
ct_tensor ct_is_finite(ct_tensor a);
ct_tensor ct_matmul(ct_tensor a, ct_tensor b);
// the products of the rows with each other, batched over leading axes
ct_tensor ct_gram(ct_tensor a);
// the L2 distances of the rows of a (b x n) from those of b (c x n): b x c
ct_tensor ct_cdist(ct_tensor a, ct_tensor b);
// on CUDA, unlike on the CPU, a matrix that is not positive definite is no failure
ct_tensor ct_cholesky(ct_tensor a);
// x with triangle x = b, for a lower triangular matrix
ct_tensor ct_solve_lower_triangular(ct_tensor triangle, ct_tensor b);
int ct_index_copy_in_place(ct_tensor a, ct_tensor indices, ct_tensor rows);
int ct_add_in_place(ct_tensor a, ct_tensor b, double scale);
int ct_add_scalar_in_place(ct_tensor a, double b);
int ct_fill_in_place(ct_tensor a, double value);
int ct_copy_in_place(ct_tensor to, ct_tensor from);
int ct_relu_in_place(ct_tensor a);
int ct_clamp_in_place(ct_tensor a, double minimum, double maximum);

// Reductions; an empty list of axes means all
ct_tensor ct_sum(ct_tensor a, ct_ints axes, bool keep);
ct_tensor ct_mean(ct_tensor a, ct_ints axes, bool keep);
// the mean of the squares over axes, which go
ct_tensor ct_mean_square(ct_tensor a, ct_ints axes);
ct_tensor ct_norm(ct_tensor a, ct_ints axes, bool keep);
ct_tensor ct_variance(ct_tensor a, ct_ints axes, bool keep, bool unbiased);
ct_tensor ct_log_sum_exp(ct_tensor a, ct_ints axes, bool keep);
ct_tensor ct_amax(ct_tensor a, ct_ints axes, bool keep);
ct_tensor ct_amin(ct_tensor a, ct_ints axes, bool keep);
ct_tensor ct_argmax(ct_tensor a, int64_t axis);
ct_tensor ct_argsort(ct_tensor a, int64_t axis, bool descending);
ct_tensor ct_top_indices(ct_tensor a, int64_t count, int64_t axis);

// Networks
typedef struct {
  int64_t height;
  int64_t width;
} ct_size;

typedef struct {
  ct_size stride;
  ct_size padding;
  ct_size dilation;
  int64_t groups;
} ct_convolution;

typedef struct {
  ct_size kernel;
  ct_size stride;
  ct_size padding;
  bool rounds_up;        // a last window that the image only partly fills
  bool counts_padding;   // in an average
} ct_pooling;

// What is done to a convolution's results in the same pass: clamping, a ReLU from 0 to infinity
typedef struct {
  double lowest;
  double highest;
} ct_range;

ct_tensor ct_conv2d(ct_tensor input, ct_tensor weight, ct_tensor bias, ct_convolution options);
ct_tensor ct_linear(ct_tensor input, ct_tensor weight, ct_tensor bias);
ct_tensor ct_batch_norm(
    ct_tensor input, ct_tensor weight, ct_tensor bias, ct_tensor running_mean, ct_tensor running_variance,
    bool training, double momentum, double epsilon);
ct_tensor ct_relu(ct_tensor a);
ct_tensor ct_sigmoid(ct_tensor a);
ct_tensor ct_tanh(ct_tensor a);
ct_tensor ct_erf(ct_tensor a);
ct_tensor ct_gelu(ct_tensor a, bool by_tanh);
ct_tensor ct_elu(ct_tensor a, double alpha);
ct_tensor ct_leaky_relu(ct_tensor a, double slope);
ct_tensor ct_hardswish(ct_tensor a);
// over the last axes, which weight and bias (NULL for none) have
ct_tensor ct_layer_norm(ct_tensor a, ct_ints shape, ct_tensor weight, ct_tensor bias, double epsilon);
// axis 1 in as many groups, with weight and bias (NULL for none) for each place of it
ct_tensor ct_group_norm(ct_tensor a, int64_t groups, ct_tensor weight, ct_tensor bias, double epsilon);
// ln(1 + e^a), without overflow
ct_tensor ct_softplus(ct_tensor a);
ct_tensor ct_softmax(ct_tensor a, int64_t axis);
ct_tensor ct_log_softmax(ct_tensor a, int64_t axis);
ct_tensor ct_max_pool2d(ct_tensor a, ct_pooling pooling);
ct_tensor ct_average_pool2d(ct_tensor a, ct_pooling pooling);
ct_tensor ct_channel_shuffle(ct_tensor a, int64_t groups);
ct_tensor ct_adaptive_average_pool2d(ct_tensor a, int64_t height, int64_t width);
ct_tensor ct_interpolate(ct_tensor a, int64_t height, int64_t width, bool bilinear);
ct_tensor ct_cross_entropy(ct_tensor logits, ct_tensor labels, bool mean, double label_smoothing);
ct_tensor ct_mean_squared_error(ct_tensor a, ct_tensor b);
// Mean of 0.5 d^2 where |d| < 1, |d| - 0.5 elsewhere, or the sum
ct_tensor ct_smooth_l1(ct_tensor a, ct_tensor b, bool mean);
ct_tensor ct_kl_divergence(ct_tensor log_probabilities, ct_tensor log_targets);

// Images
// Bytes in rows from the top, channels last.
typedef struct {
  uint8_t *bytes;
  ct_size size;
} ct_pixels;

// Resamples one image with antialiasing, in the calling thread alone.
int ct_upsample_bilinear2d_aa(ct_pixels from, ct_pixels to, int64_t channels);

// Frozen networks: oneDNN convolutions fused with what follows them (CPU, float32 or bfloat16)
ct_tensor ct_onednn_pack_weight(ct_tensor weight, ct_convolution options, ct_ints input_shape);
ct_tensor ct_onednn_convolution(ct_tensor input, ct_tensor packed, ct_tensor bias, ct_convolution options, ct_range range);
// relu?(convolution(input) + bias + sum), written into `sum`, which is overwritten.
int ct_onednn_convolution_sum(
    ct_tensor sum, ct_tensor input, ct_tensor packed, ct_tensor bias, ct_convolution options, ct_range range);

// Autocast on a kind of device: the element type that operations are narrowed to, -1 where none are.
int ct_autocast(int device_kind);
int ct_set_autocast(int device_kind, int dtype);

// Frozen networks in 8 bits (CPU): activations are uint8 with zero point 0, weights int8 with a scale for each output
// channel, sums 32 bits wide.
typedef struct {
  ct_tensor packed;
  ct_tensor weight_scales;
  ct_tensor weight_zero_points;
  ct_tensor bias;
  double input_scale;
  ct_convolution options;
} ct_int8_layer;

ct_tensor ct_int8_pack_weight(
    ct_tensor int8_weight, ct_tensor scales, double input_scale, ct_convolution options, ct_ints input_shape);
// uint8 with that scale, or float32 where the output's scale is 0
ct_tensor ct_int8_convolution(ct_tensor input, ct_int8_layer layer, double output_scale, ct_range range);
// relu?(convolution(input) + bias + sum), written into `sum`, which is float32 and overwritten.
int ct_int8_convolution_sum(ct_tensor sum, ct_tensor input, ct_int8_layer layer, ct_range range);

// Autograd
bool ct_requires_gradient(ct_tensor tensor);
int ct_set_requires_gradient(ct_tensor tensor, bool value);
bool ct_gradients_enabled(void);
void ct_set_gradients_enabled(bool enabled);
int ct_backward(ct_tensor loss);
// The accumulated gradient, an undefined tensor where there is none.
ct_tensor ct_gradient(ct_tensor tensor);
int ct_set_gradient(ct_tensor tensor, ct_tensor gradient);
void ct_clear_gradient(ct_tensor tensor);
// d(output)/d(inputs), one new handle each in `gradients`; an undefined tensor for an input that output does not use.
int ct_gradients(ct_tensor output, ct_tensors inputs, bool keep_graph, ct_tensor *gradients);
// `output` as if it were computed from `input`: backwards `call` makes of its gradient, a handle that it takes over, that of
// `input`, one that it gives away, NULL on failure. `release` is called with `owner` when nothing leads back there any more.
ct_tensor ct_with_backward(
    ct_tensor output, ct_tensor input, ct_tensor (*call)(void *, ct_tensor), void (*release)(void *), void *owner);
// Calls back each time that a backward pass has left a leaf's gradient, on that pass's thread; one call for a leaf.
int ct_on_gradient(ct_tensor tensor, void (*call)(void *), void (*release)(void *), void *owner);
int ct_off_gradient(ct_tensor tensor);

// Optimisers: libtorch's fused steps, in place
typedef struct {
  double learning_rate;
  double momentum;
  double weight_decay;
  bool nesterov;
  bool is_first_step;
} ct_sgd;

// Where `rate` is not NULL the learning rate is read from it, on the parameters' device, and not from the options.
int ct_fused_sgd(ct_tensors parameters, ct_tensors gradients, ct_tensors momenta, ct_tensor rate, ct_sgd options);

typedef struct {
  double learning_rate;
  double beta1;
  double beta2;
  double weight_decay;
  double epsilon;
} ct_adamw;

int ct_fused_adamw(
    ct_tensors parameters, ct_tensors gradients, ct_tensors first_moments, ct_tensors second_moments,
    ct_tensors steps, ct_tensor rate, ct_adamw options);

// Scales all gradients by min(1, largest_norm / (norm + 1e-6)), in place; their common L2 norm before that.
ct_tensor ct_clip_gradients(ct_tensors gradients, double largest_norm);
// Moves each tensor by `weight` of the way to its target, in place.
int ct_lerp_in_place(ct_tensors tensors, ct_tensors targets, double weight);

// Random numbers
ct_generator ct_generator_create(uint64_t seed);
void ct_generator_free(ct_generator generator);
ct_tensor ct_generator_state(ct_generator generator);
int ct_generator_set_state(ct_generator generator, ct_tensor state);
int ct_uniform_in_place(ct_tensor a, double low, double high, ct_generator generator);
int ct_normal_in_place(ct_tensor a, double mean, double deviation, ct_generator generator);
ct_tensor ct_random_permutation(int64_t count, ct_generator generator);

// Networks that another program exported. A text that is returned is to be freed with `free`.
// The names of the entries in an archive that PyTorch wrote, one a line.
char *ct_archive_entries(const char *path);
char *ct_archive_text(const char *path, const char *entry);
ct_exported ct_torchscript_load(const char *path, ct_options device);
// A package is a compiled library that is unpacked into a temporary folder, which lasts as long as the handle.
ct_exported ct_package_load(const char *path, const char *model, ct_options device);
void ct_exported_free(ct_exported model);
// The structure of what a package returns, as JSON; empty for TorchScript, whose outputs have names instead.
char *ct_exported_specification(ct_exported model);
// Runs without recording gradients. A result in lists, tuples and dictionaries is laid flat.
ct_outputs ct_exported_run(ct_exported model, ct_tensor input);
void ct_outputs_free(ct_outputs outputs);
size_t ct_outputs_count(ct_outputs outputs);
bool ct_outputs_are_dictionary(ct_outputs outputs);
// The indices and keys that lead to an output, joined by dots; NULL where the specification has to say it.
const char *ct_outputs_name(ct_outputs outputs, size_t index);
// An undefined tensor for an output that is none, such as a number.
ct_tensor ct_outputs_tensor(ct_outputs outputs, size_t index);

// CUDA graphs. All but `ct_graph_create` and `ct_graph_free` belong to the thread that entered.
ct_graph ct_graph_create(int device_index);
void ct_graph_free(ct_graph graph);
// From here to `leave` the thread's work goes to the stream on which the graph is captured and replayed.
int ct_graph_enter(ct_graph graph);
int ct_graph_leave(ct_graph graph);
int ct_graph_begin_capture(ct_graph graph);
int ct_graph_end_capture(ct_graph graph);
int ct_graph_replay(ct_graph graph);

// Processes that work together. Times are in seconds.
// A store is a small table that one process serves and all reach over the network; port 0 lets the system choose.
ct_store ct_store_serve(const char *host, int port, double timeout);
ct_store ct_store_connect(const char *host, int port, double timeout);
// The part of a store whose keys begin with a prefix, which they are given without.
ct_store ct_store_prefixed(ct_store store, const char *prefix);
void ct_store_free(ct_store store);
int ct_store_port(ct_store store);
int ct_store_set(ct_store store, const char *key, const void *value, size_t count);
// Waits for a key and hands its value to `take` before it returns.
int ct_store_get(ct_store store, const char *key, double timeout, void (*take)(void *, const void *, size_t), void *taker);
int ct_store_has(ct_store store, const char *key, bool *has);
int ct_store_add(ct_store store, const char *key, int64_t amount, int64_t *sum);
// Waits for all ranks. `address` is this machine's, as the others reach it; empty for what its name resolves to.
ct_group ct_group_gloo(ct_store store, int rank, int size, const char *address, double timeout);
// The same for tensors on CUDA devices, of which each rank has its own.
ct_group ct_group_nccl(ct_store store, int rank, int size, double timeout);
void ct_group_free(ct_group group);
// Begun in the same order by all ranks. The tensors are to be kept, and left alone, until the work was waited for.
ct_work ct_group_all_reduce(ct_group group, ct_tensor tensor, bool maximum);
ct_work ct_group_all_gather(ct_group group, ct_tensor output, ct_tensor input);
ct_work ct_group_broadcast(ct_group group, ct_tensor tensor, int root);
ct_work ct_group_barrier(ct_group group);
int ct_work_wait(ct_work work);
void ct_work_free(ct_work work);

// The library and the machine
const char *ct_version(void);
// The file that libtorch was loaded from, NULL where the system does not tell.
const char *ct_library_path(void);
const char *ct_cpu_capability(void);
// Whether products of 8-bit numbers are summed up in 32 bits at once (VNNI), and not two of them in 16 first.
bool ct_has_int8_products(void);
int ct_set_thread_count(int count);
int ct_thread_count(void);
void ct_set_flush_denormals(bool enabled);
// Makes the C library keep freed memory for what is allocated next instead of giving it back to the system.
void ct_keep_freed_memory(void);
int ct_cuda_device_count(void);
void ct_set_deterministic_convolutions(bool enabled);

#ifdef __cplusplus
}
#endif

#endif
