// Float32 convolution over two axes by Winograd's method, F(4x4, 3x3) and F(2x2, 5x5): a quarter,
// or under two fifths, of the products of the direct sum. Transforms of tiles stand in
// simd/winograd.h; between them are, for each of 36 points, products of matrices of tiles, input
// channels and output channels. Results are the same bits for any number of threads.
//
// Arrays are plain (batch, channel, height, width), or blocked: batch, channels / 16 rounded up,
// height, width, 16. Channels that fill up the last block are ignored in inputs and are 0 in
// results, unless a residual is not.
//
// A result that is not finite, or is beyond 2^100, makes a function return false: what a tile's
// other elements then hold is of no use, and the caller computes the whole by another method.
#pragma once
#include "kernels/conv/geometry.h"

namespace gemel::kernels {

// The sizes of one pass, and how it is cut into pieces. The gradient of data is itself a
// convolution, of the output's gradient with the kernel turned by half a circle: `in` and `out` are
// what this convolution reads and writes. For the gradient of the weight they are the forward ones.
struct WinogradSchedule {
  ConvolutionPass pass = ConvolutionPass::forward;
  int64_t kernel = 3, tile = 4;  // elements along one side of a kernel, and of a tile of the output
  int64_t batch = 0, in_channels = 0, out_channels = 0;
  int64_t in[2] = {0, 0}, out[2] = {0, 0}, pad[2] = {0, 0};
  int64_t tiles[2] = {0, 0};  // of one image
  int64_t block = 0;          // tiles that are worked on together
  int64_t lanes = 1;          // threads at most, each with scratch memory of its own
  int64_t slices = 1;         // parts of the blocks with sums of their own, of the pass weight
  bool resident = false;      // transformed weights are kept for all blocks
  bool prepared = false;      // the weight comes as winograd_prepare_weight left it
  bool blocked_in = false, blocked_out = false;  // layouts of the arrays

  int64_t tile_count() const { return batch * tiles[0] * tiles[1]; }
  int64_t block_count() const { return (tile_count() + block - 1) / block; }
};

// Whether the method exists for these sizes: 3 x 3 or 5 x 5, strides, dilations and groups of 1.
bool winograd_applies(const ConvolutionGeometry& g);

// What the caller chose beside the sizes.
struct WinogradOptions {
  int threads = 1;
  bool prepared = false;  // see WinogradSchedule; passes forward and data
  bool blocked_in = false, blocked_out = false;
};
WinogradSchedule winograd_schedule(const ConvolutionGeometry& g, ConvolutionPass pass,
                                   const WinogradOptions& options);
// Bytes of scratch memory.
int64_t winograd_workspace(const WinogradSchedule& s);

// The weight in the order in which it is transformed: group of 16 output channels, input channel,
// row and column of the kernel, output channel. It depends on the pass and the sizes of the weight
// only, so that one prepared weight serves any batch, image and number of threads. (It is not
// transformed: that would take four times the memory, and to read it more time than it saves.)
int64_t winograd_prepared_size(const WinogradSchedule& s);  // floats
void winograd_prepare_weight(const WinogradSchedule& s, const float* weight, float* prepared);

// What is done to each element of the result as it is written, in this order.
struct ConvolutionEpilogue {
  const float* bias = nullptr;      // one for each output channel; null: none
  const float* residual = nullptr;  // laid out as the result, added to it; null: none
  bool relu = false;
};
// The passes forward and data. `weight` is laid out as the forward pass has it, or prepared.
bool winograd_convolution(const WinogradSchedule& s, const float* in, const float* weight,
                          const ConvolutionEpilogue& epilogue, float* out, void* scratch);
bool winograd_weight_gradient(const WinogradSchedule& s, const float* in, const float* dy,
                              float* dweight, void* scratch);

}  // namespace gemel::kernels
