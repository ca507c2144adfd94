// Sums over the points of a cell, and counts of values in bins.

// Cell c holds the points order[starts[c]] to order[starts[c + 1]], added up in this order.
__global__ void cell_sums(const float2 *values, const i64 *order, const i64 *starts, i64 n_cells,
                          i64 m, float2 *sums) {
    for (i64 i = first_item(); i < n_cells * m; i += all_threads()) {
        i64 cell = i / m, k = i % m;
        float2 total = make_float2(0, 0);
        for (i64 place = starts[cell]; place < starts[cell + 1]; place++) {
            float2 value = values[order[place] * m + k];
            total.x += value.x;
            total.y += value.y;
        }
        sums[i] = total;
    }
}

// Values up to cuts[0] are counted in bin 0, those beyond cuts[k] in bin k + 1; NaN nowhere. A
// block counts in shared memory; whole numbers come out the same in any order.
template <typename T>
__global__ void histogram(const T *values, i64 n, const T *cuts, i64 n_cuts, u64 *counts) {
    SHARED(u64, own);
    for (i64 bin = threadIdx.x; bin <= n_cuts; bin += blockDim.x)
        own[bin] = 0;
    __syncthreads();
    for (i64 i = first_item(); i < n; i += all_threads()) {
        if (values[i] != values[i])
            continue;
        i64 low = 0, high = n_cuts;
        while (low < high) {
            i64 middle = (low + high) / 2;
            if (cuts[middle] < values[i])
                low = middle + 1;
            else
                high = middle;
        }
        atomicAdd(&own[low], 1);
    }
    __syncthreads();
    for (i64 bin = threadIdx.x; bin <= n_cuts; bin += blockDim.x)
        atomicAdd(&counts[bin], own[bin]);
}
