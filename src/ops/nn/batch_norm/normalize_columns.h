// Batch normalisation where the channels lie next to each other (an array rows x channels): strips
// of neighbouring channels are worked on row by row in vectors, so that memory is read in order.
#pragma once
#include "ops/nn/batch_norm/normalize.h"

namespace gemel {

// The functions of normalize.h for geometries with inner == 1.
void column_statistics(const ChannelGeometry& g, const void* data, void* mean,
                       void* inverse_deviation);
void normalize_columns(const ChannelGeometry& g, const void* data, const void* mean,
                       const void* inverse_deviation, const void* gamma, const void* beta,
                       void* out);
void normalize_columns_backward(const ChannelGeometry& g, bool moves, const void* dy,
                                const void* data, const void* mean, const void* inverse_deviation,
                                const void* gamma, void* dx, void* dgamma, void* dbeta);

}  // namespace gemel
