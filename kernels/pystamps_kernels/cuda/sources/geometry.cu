// Geometry of the candidates, and amplitudes of their images.

__global__ void look_angles(const double *range_sample, i64 n, double near_range, double spacing,
                            double to_center, double radius, double *look, double *incidence) {
    EACH(i, n) {
        double slant = near_range + range_sample[i] * spacing, range2 = slant * slant;
        double satellite = to_center * to_center, ground = radius * radius;
        look[i] = acos((satellite + range2 - ground) / (2 * to_center * slant));
        incidence[i] = acos((satellite - ground - range2) / (2 * radius * slant));
    }
}

__global__ void perpendicular_baselines(const double *baseline, const double *rate,
                                        const double *line_offset, const double *look, i64 n, i64 m,
                                        double prf, double *bperp) {
    EACH(i, n * m) {
        const double *at = baseline + i % m * 2, *change = rate + i % m * 2;
        double sine, cosine, offset = line_offset[i / m];
        sincos(look[i / m], &sine, &cosine);
        double cross = at[0] + change[0] * offset / prf, normal = at[1] + change[1] * offset / prf;
        bperp[i] = cross * cosine - normal * sine;
    }
}

__device__ i64 node_below(double place, i64 n) {
    i64 whole = (i64)floor(place);
    whole = whole < n - 2 ? whole : n - 2;
    return whole > 0 ? whole : 0;
}

__global__ void bilinear(const double *grid, const double *row, const double *column, i64 n,
                         i64 n_row, i64 n_col, double *values) {
    EACH(p, n) {
        i64 i = node_below(row[p], n_row), j = node_below(column[p], n_col);
        double u = row[p] - i, v = column[p] - j;
        const double *at = grid + i * n_col + j, *next = at + n_col;
        double upper = at[0] * (1 - v) + at[1] * v, lower = next[0] * (1 - v) + next[1] * v;
        values[p] = upper * (1 - u) + lower * u;
    }
}

// A word of the disk as the number it means.
__device__ double number_of(unsigned short word, i64 swapped) {
    unsigned short turned = (unsigned short)(word >> 8 | word << 8);
    return (double)(short)(swapped ? turned : word);
}
__device__ double number_of(unsigned int word, i64 swapped) {
    unsigned int turned = word >> 24 | (word >> 8 & 0xFF00) | (word & 0xFF00) << 8 | word << 24;
    return (double)__int_as_float((int)(swapped ? turned : word));
}

// Modulus of a sample, calibrated; infinite where a part is, beside NaN, too.
template <typename W>
__device__ float amplitude(const W *words, i64 swapped, float constant) {
    double re = number_of(words[0], swapped), im = number_of(words[1], swapped);
    float modulus = (float)sqrt(re * re + im * im);
    if (fabs(re) == infinity() || fabs(im) == infinity())
        modulus = (float)infinity();
    return modulus / constant;
}

// Images (k, n, 2) added to the sums of each pixel, one after the other.
template <typename W>
__global__ void add_amplitudes(const float *constants, const float *total, const float *square,
                               const unsigned char *low, const W *words, i64 n, i64 n_image,
                               i64 swapped, double least, float *new_total, float *new_square,
                               unsigned char *new_low) {
    EACH(i, n) {
        float sum = total[i], squares = square[i];
        unsigned char below = low[i];
        for (i64 k = 0; k < n_image; k++) {
            float found = amplitude(words + 2 * (k * n + i), swapped, constants[k]);
            bool zero = (double)found <= least;
            squares = zero ? squares : squares + found * found;
            sum = zero ? 0 : sum + found;
            below |= zero;
        }
        new_total[i] = sum;
        new_square[i] = squares;
        new_low[i] = below;
    }
}

// Pairs of images (k, n, 2), 0 and 1, 2 and 3, added to the sums of each pixel.
template <typename W>
__global__ void add_pairs(const float *constants, const float *total, const float *square,
                          const W *words, i64 n, i64 n_image, i64 swapped, float *new_total,
                          float *new_square) {
    EACH(i, n) {
        float sum = total[i], squares = square[i];
        for (i64 k = 0; k + 1 < n_image; k += 2) {
            const W *at = words + 2 * (k * n + i);
            float one = amplitude(at, swapped, constants[k]);
            float other = amplitude(at + 2 * n, swapped, constants[k + 1]);
            float difference = one - other;
            sum = sum + one + other;
            squares = squares + difference * difference;
        }
        new_total[i] = sum;
        new_square[i] = squares;
    }
}
