// Gaussian mean in space over all points within four standard deviations.
//
// A block takes a point. Its threads first compute the weights of a stretch of the points around,
// one each, then every one adds an interferogram up. The points around are those of the cell and
// its neighbours, three spans of `order`; they are added cell after cell.

__global__ void spatial_lowpass(const i64 *target, const i64 *cell_of, i64 n, const i64 *spans,
                                const float *phase, const float *xy, const i64 *order, i64 m,
                                double radius, double scale, double *out) {
    SHARED(double, weight);
    i64 *member = (i64 *)(weight + blockDim.x);
    i64 i = blockIdx.x, own = target[i];
    const i64 *span = spans + cell_of[i] * 6;
    float x = xy[2 * own], y = xy[2 * own + 1];
    for (i64 k = threadIdx.x; k - (i64)threadIdx.x < m; k += blockDim.x) {
        double sum = 0, total = 0;
        for (int row = 0; row < 3; row++) {
            for (i64 first = span[2 * row]; first < span[2 * row + 1]; first += blockDim.x) {
                i64 count = span[2 * row + 1] - first;
                count = count < blockDim.x ? count : blockDim.x;
                __syncthreads();
                if (threadIdx.x < count) {
                    i64 other = order[first + threadIdx.x];
                    float dx = x - xy[2 * other], dy = y - xy[2 * other + 1];
                    float square = dx * dx + dy * dy;
                    member[threadIdx.x] = other;
                    weight[threadIdx.x] =
                        square < (float)radius ? exp(-(double)square / scale) : 0.0;
                }
                __syncthreads();
                for (i64 j = 0; j < count; j++) {
                    total += weight[j];
                    if (k < m && weight[j] > 0)
                        sum = fma(weight[j], (double)phase[member[j] * m + k], sum);
                }
            }
        }
        if (k < m)
            out[i * m + k] = sum / total;
    }
}
