// Rasters of an interferogram and the costs of its arcs.

#define CYCLE 6.283185307179586
#define UNITS 200.0f          // of a cycle
#define COST_SCALE 100.0f
#define PARABOLA_END 32000
#define NO_SHELF -32000
#define NO_COST 32000

// Round half away from zero, and saturate.
__device__ short saturated(float value) {
    float whole = truncf(value);
    if (fabsf(value - whole) >= 0.5f)
        whole += value > 0 ? 1.0f : -1.0f;
    whole = whole > -32768.0f ? whole : -32768.0f;
    return (short)(whole < 32767.0f ? whole : 32767.0f);
}

// Offset and width of the cost parabola of each edge.
__global__ void edge_costs(const float *unwrapped, const float *noise, const float *variance,
                           const i64 *n_arcs, i64 n, i64 m, short *offset, short *sigsq) {
    EACH(e, n) {
        float scaled = variance[e] * (UNITS * UNITS) / COST_SCALE * (float)n_arcs[e];
        short width = variance[e] == variance[e] ? saturated(scaled) : 0;
        sigsq[e] = variance[e] == variance[e] && width < 1 ? 1 : width;
    }
    EACH(i, n * m) {
        double phase = unwrapped[i];
        float wrapped = (float)(phase - CYCLE * rint(phase / CYCLE));
        float cycles = (wrapped - (unwrapped[i] - noise[i])) / 2.0f / (float)PI;
        offset[i] = variance[i / m] == variance[i / m] ? saturated(cycles * UNITS) : 0;
    }
}

// SNAPHU's records of arcs, four numbers each; `sign` is the direction in which cycles are counted.
__global__ void cost_records(const short *offset, const short *sigsq, const i64 *edges, i64 n,
                             i64 sign, short *records) {
    EACH(i, n) {
        i64 edge = edges[i], number = edge < 0 ? -edge : edge;
        bool within = edge == 0, free = !within && sigsq[number - 1] == 0, known = !within && !free;
        i64 turned = known ? (edge > 0 ? sign : -sign) * offset[number - 1] : 0;
        records[4 * i] = (short)(turned < 32767 ? turned : 32767);
        records[4 * i + 1] = known ? sigsq[number - 1] : 1;
        records[4 * i + 2] = PARABOLA_END;
        records[4 * i + 3] = free ? 1 : NO_SHELF;
    }
}

// Difference b - a in cycles, whole cycles taken off.
__device__ double wrapped_step(double a, double b) { return (b - a) - rint(b - a); }

__global__ void residues(const double *turns, i64 n_row, i64 n_col, int *found) {
    EACH(i, (n_row - 1) * (n_col - 1)) {
        const double *a = turns + i / (n_col - 1) * n_col + i % (n_col - 1), *d = a + n_col;
        double loop = wrapped_step(a[0], a[1]) + wrapped_step(a[1], d[1]);
        found[i] = (int)rint(loop - wrapped_step(d[0], d[1]) - wrapped_step(a[0], d[0]));
    }
}

// What an unwrapped raster costs: `sums` are the costs of arcs with statistics, and the number of
// arcs without that carry cycles; `most` is the largest number of cycles. `apart` is the way from a
// cell to the next one, along a row (of n_col - 1 arcs) or down a column.
__global__ void solution_cost(const double *turns, const float *unwrapped, const i64 *edges, i64 n,
                              i64 n_arc_col, i64 n_col, i64 apart, const short *offset,
                              const short *sigsq, u64 *sums, i64 *most) {
    u64 statistical = 0, free = 0;
    i64 largest = 0;
    EACH(i, n) {
        i64 cell = i / n_arc_col * n_col + i % n_arc_col, edge = edges[i];
        double step = (double)unwrapped[cell + apart] - (double)unwrapped[cell];
        double cycles = step / CYCLE - wrapped_step(turns[cell], turns[cell + apart]);
        i64 k = (i64)rint(cycles), number = edge < 0 ? -edge : edge;
        i64 variance = edge ? sigsq[number - 1] : 1;
        i64 z = 200 * (edge < 0 ? -k : k) + (edge ? offset[number - 1] : 0);
        if (variance != 0 && variance != NO_COST)
            statistical += (u64)(z * z / variance);
        free += variance == 0 && k != 0;
        largest = k > largest ? k : -k > largest ? -k : largest;
    }
    atomicAdd(sums, statistical);
    atomicAdd(sums + 1, free);
    atomicMax(most, largest);
}

// Squared distance to the nearest node of the same column and its number, -1 without; of two the
// upper wins. A thread takes a column.
__global__ void nearest_in_column(const i64 *node, i64 n_row, i64 n_col, i64 *distance,
                                  i64 *winner) {
    EACH(j, n_col) {
        i64 above = -1, below = -1;
        for (i64 i = 0; i < n_row; i++) {
            if (node[i * n_col + j] >= 0)
                above = i;
            distance[i * n_col + j] = above < 0 ? -1 : (i - above) * (i - above);
            winner[i * n_col + j] = above < 0 ? -1 : node[above * n_col + j];
        }
        for (i64 i = n_row - 1; i >= 0; i--) {
            if (node[i * n_col + j] >= 0)
                below = i;
            i64 squared = (below - i) * (below - i), before = distance[i * n_col + j];
            if (below >= 0 && (before < 0 || squared < before)) {
                distance[i * n_col + j] = squared;
                winner[i * n_col + j] = node[below * n_col + j];
            }
        }
    }
}

// Nearest node of every cell from those of the columns, at growing distance.
__global__ void nearest_along_rows(const i64 *distance, const i64 *winner, i64 n_row, i64 n_col,
                                   i64 *nearest) {
    EACH(i, n_row * n_col) {
        i64 j = i % n_col, best = distance[i], number = winner[i];
        for (i64 step = 1; step < n_col && !(best >= 0 && best < step * step); step++) {
            for (i64 side = -1; side <= 1; side += 2) {
                i64 other = i + side * step;
                if (j + side * step < 0 || j + side * step >= n_col || distance[other] < 0)
                    continue;
                i64 squared = distance[other] + step * step;
                if (best < 0 || squared < best || (squared == best && winner[other] < number)) {
                    best = squared;
                    number = winner[other];
                }
            }
        }
        nearest[i] = number;
    }
}
