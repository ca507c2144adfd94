// What the iterations of a patch add to the kernels of samples, so that nothing leaves the device.

__device__ float2 unit_of(float2 z) {
    float size = (float)sqrt((double)z.x * (double)z.x + (double)z.y * (double)z.y);
    return size == 0 ? make_float2(0, 0) : make_float2(z.x / size, z.y / size);
}

// Columns of some cells of a filtered grid (cells, n_planes), put where they belong in (n, m).
__global__ void at_cells(const float2 *filtered, const i64 *cells, i64 n, i64 n_planes, i64 first,
                         i64 m, float2 *out) {
    EACH(i, n * n_planes) {
        i64 row = i / n_planes, k = i % n_planes;
        out[row * m + first + k] = filtered[cells[row] * n_planes + k];
    }
}

// Phasors of candidates against the unit phasors of their cells.
__global__ void against_cells(const float2 *ph, const float2 *filtered, const i64 *cell, i64 n,
                              i64 m, float2 *out) {
    EACH(i, n * m) {
        float2 z = ph[i], u = unit_of(filtered[cell[i / m] * m + i % m]);
        out[i] = make_float2(z.x * u.x - z.y * -u.y, z.x * -u.y + z.y * u.x);
    }
}

// Whether a row has data everywhere, 1 or 0.
__global__ void whole_rows(const float2 *phasors, i64 n, i64 m, i64 *whole) {
    EACH(i, n) {
        i64 holes = 0;
        for (i64 k = 0; k < m; k++)
            holes += phasors[i * m + k].x == 0 && phasors[i * m + k].y == 0;
        whole[i] = holes == 0;
    }
}

// The phase of what remains, in whole rows; the others keep what they had.
__global__ void keep_phase(const float2 *rest, const i64 *whole, i64 n, i64 m, float *residual) {
    EACH(i, n * m) {
        if (whole[i / m])
            residual[i] = (float)atan2((double)rest[i].y, (double)rest[i].x);
    }
}

// How many values are not finite.
__global__ void count_not_finite(const float2 *values, i64 n, u64 *count) {
    u64 own = 0;
    EACH(i, n) {
        float sum = values[i].x - values[i].x + (values[i].y - values[i].y);
        own += sum != 0;
    }
    if (own)
        atomicAdd(count, own);
}

// Some columns of a filter's result in double, put where they belong in (n, m) in single.
__global__ void put_columns(const double2 *found, i64 n, i64 count, i64 first, i64 m, float2 *out) {
    EACH(i, n * count) {
        double2 z = found[i];
        out[i / count * m + first + i % count] = make_float2((float)z.x, (float)z.y);
    }
}

// Unit phasors of candidates against the filtered phase of their cells as it is.
__global__ void unit_against_cells(const float2 *ph, const float2 *filtered, const i64 *cell, i64 n,
                                   i64 m, float2 *out) {
    EACH(i, n * m) {
        float2 z = ph[i], u = filtered[cell[i / m] * m + i % m];
        out[i] = unit_of(make_float2(z.x * u.x - z.y * -u.y, z.x * -u.y + z.y * u.x));
    }
}

// The columns of `used`, (n, n_use).
__global__ void take_columns(const float2 *all, const i64 *used, i64 n, i64 m, i64 n_use,
                             float2 *out) {
    EACH(i, n * n_use) out[i] = all[i / n_use * m + used[i % n_use]];
}
