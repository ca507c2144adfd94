// Least absolute deviations by a simplex search; a thread takes a point. What a point works on lies
// in rooms of global memory, side by side with that of the other threads.

#define MARGIN 1e-9

struct Fit {
    const double *design, *jitter, *values, *scale, *start;
    i64 n_obs, n_par;
    Room residual, work, solution, basis, matrix, inverse;

    // What the search sees: observations are shifted a little, so that no vertex is degenerate.
    __device__ double shifted(i64 obs) const { return values[obs] + jitter[obs]; }

    __device__ void swap(i64 one, i64 other) const {
        for (i64 k = 0; k < n_par; k++) {
            double kept = matrix[one * n_par + k];
            matrix[one * n_par + k] = matrix[other * n_par + k];
            matrix[other * n_par + k] = kept;
            kept = inverse[one * n_par + k];
            inverse[one * n_par + k] = inverse[other * n_par + k];
            inverse[other * n_par + k] = kept;
        }
    }

    // Invert the design of the basis by elimination with row exchanges.
    __noinline__ __device__ void invert() const {
        for (i64 row = 0; row < n_par; row++)
            for (i64 k = 0; k < n_par; k++) {
                matrix[row * n_par + k] = design[(i64)basis[row] * n_par + k];
                inverse[row * n_par + k] = row == k;
            }
        for (i64 column = 0; column < n_par; column++) {
            i64 pivot = column;
            for (i64 row = column + 1; row < n_par; row++)
                if (fabs(matrix[row * n_par + column]) > fabs(matrix[pivot * n_par + column]))
                    pivot = row;
            swap(column, pivot);
            double scale = matrix[column * n_par + column];
            for (i64 k = 0; k < n_par; k++) {
                matrix[column * n_par + k] /= scale;
                inverse[column * n_par + k] /= scale;
            }
            for (i64 row = 0; row < n_par; row++) {
                double factor = matrix[row * n_par + column];
                if (row == column || factor == 0)
                    continue;
                for (i64 k = 0; k < n_par; k++) {
                    matrix[row * n_par + k] -= factor * matrix[column * n_par + k];
                    inverse[row * n_par + k] -= factor * inverse[column * n_par + k];
                }
            }
        }
    }

    // The point that meets the observations of the basis; the true ones or those that are shifted.
    __noinline__ __device__ void solve(bool exact) const {
        for (i64 k = 0; k < n_par; k++) {
            double total = 0;
            for (i64 row = 0; row < n_par; row++) {
                i64 obs = (i64)basis[row];
                total += inverse[k * n_par + row] * (exact ? values[obs] : shifted(obs));
            }
            solution[k] = total;
        }
    }

    __noinline__ __device__ void residuals() const {
        for (i64 obs = 0; obs < n_obs; obs++) {
            double total = shifted(obs);
            for (i64 k = 0; k < n_par; k++)
                total -= design[obs * n_par + k] * solution[k];
            residual[obs] = total;
        }
        for (i64 row = 0; row < n_par; row++)
            residual[(i64)basis[row]] = 0;
    }

    __device__ void go_to_vertex() const {
        invert();
        solve(false);
        residuals();
    }

    __noinline__ __device__ double rate(i64 obs, i64 row) const {
        double total = 0;
        for (i64 k = 0; k < n_par; k++)
            total += design[obs * n_par + k] * inverse[k * n_par + row];
        return total;
    }

    // Independent observations that the start misses least, and whether there are; `work` holds how
    // much, and is used up.
    __device__ bool first_basis() const {
        i64 found = 0;
        while (found < n_par) {
            i64 nearest = 0;
            for (i64 obs = 1; obs < n_obs; obs++)
                if (work[obs] < work[nearest])
                    nearest = obs;
            if (work[nearest] == infinity())
                return false;
            work[nearest] = infinity();
            for (i64 k = 0; k < n_par; k++)
                matrix[found * n_par + k] = design[nearest * n_par + k];
            for (i64 before = 0; before < found; before++) {
                double product = 0;
                for (i64 k = 0; k < n_par; k++)
                    product += matrix[found * n_par + k] * matrix[before * n_par + k];
                for (i64 k = 0; k < n_par; k++)
                    matrix[found * n_par + k] -= product * matrix[before * n_par + k];
            }
            double norm = 0;
            for (i64 k = 0; k < n_par; k++)
                norm += matrix[found * n_par + k] * matrix[found * n_par + k];
            norm = sqrt(norm);
            if (norm > 1e-6) {
                for (i64 k = 0; k < n_par; k++)
                    matrix[found * n_par + k] /= norm;
                basis[found] = (double)nearest;
                found++;
            }
        }
        return true;
    }

    // Decrease of the other deviations per unit step away from an observation of the basis.
    __noinline__ __device__ double pull(i64 row) const {
        double total = 0;
        for (i64 obs = 0; obs < n_obs; obs++)
            if (residual[obs] != 0)
                total += residual[obs] > 0 ? rate(obs, row) : -rate(obs, row);
        return total;
    }

    // Along an edge until the sum of deviations stops falling: the observation met there, or -1.
    __noinline__ __device__ i64 line_search(i64 row, double sign, double slope) const {
        for (i64 obs = 0; obs < n_obs; obs++) {
            double along = rate(obs, row) * sign;
            work[obs] = residual[obs] * along > 0 ? residual[obs] / along : infinity();
        }
        for (;;) {
            i64 nearest = 0;
            for (i64 obs = 1; obs < n_obs; obs++)
                if (work[obs] < work[nearest])
                    nearest = obs;
            if (work[nearest] == infinity())
                return -1;
            slope += 2 * fabs(residual[nearest] / work[nearest]);
            if (slope >= -MARGIN)
                return nearest;
            work[nearest] = infinity();
        }
    }

    __device__ void descend() const {
        for (i64 step = 0; step < 50 + 10 * n_obs; step++) {
            go_to_vertex();
            i64 steepest = 0;
            double strongest = 0;
            for (i64 row = 0; row < n_par; row++) {
                double own = pull(row);
                if (fabs(own) > fabs(strongest)) {
                    steepest = row;
                    strongest = own;
                }
            }
            if (fabs(strongest) <= 1 + MARGIN)
                return;
            double sign = strongest > 0 ? 1 : -1;
            i64 entering = line_search(steepest, sign, 1 - fabs(strongest));
            if (entering < 0)
                return;
            basis[steepest] = (double)entering;
        }
    }

    __device__ double from_start() const {
        double total = 0;
        for (i64 k = 0; k < n_par; k++) {
            double away = solution[k] / scale[k] - start[k];
            total += away * away;
        }
        return total;
    }

    // Over edges of equal deviation to the vertex nearest to the start, one edge; whether there is.
    __device__ bool step_nearer() const {
        go_to_vertex();
        solve(true);
        double here = from_start();
        for (i64 row = 0; row < n_par; row++) {
            double own = pull(row);
            if (fabs(own) < 1 - MARGIN)
                continue;
            i64 entering = line_search(row, own > 0 ? 1 : -1, 0);
            if (entering < 0)
                continue;
            double leaving = basis[row];
            basis[row] = (double)entering;
            invert();
            solve(true);
            if (from_start() < here)
                return true;
            basis[row] = leaving;
            invert();
            solve(true);
        }
        return false;
    }
};

// A thread's room holds 2 n_obs + 2 n_par + 2 n_par^2 doubles.
__global__ void lad_fit(const double *design, const double *jitter, const double *scale,
                        const double *original, const double *values, const double *start, i64 n,
                        i64 n_obs, i64 n_par, double *rooms, double *found) {
    Room own = room_of_thread(rooms);
    EACH(point, n) {
        Fit fit = {design, jitter, values + point * n_obs, scale, start + point * n_par, n_obs,
                   n_par, own, own.from(n_obs), own.from(2 * n_obs), own.from(2 * n_obs + n_par),
                   own.from(2 * (n_obs + n_par)), own.from(2 * (n_obs + n_par) + n_par * n_par)};
        bool valid = true;
        for (i64 obs = 0; obs < n_obs; obs++) {
            double predicted = 0;
            for (i64 k = 0; k < n_par; k++)
                predicted += original[obs * n_par + k] * fit.start[k];
            fit.work[obs] = fabs(fit.values[obs] - predicted);
            valid = valid && fit.work[obs] < infinity();  // nor NaN
        }
        valid = valid && fit.first_basis();
        if (valid) {
            fit.descend();
            for (i64 step = 0; step < n_obs && fit.step_nearer(); step++) {
            }
        }
        for (i64 k = 0; k < n_par; k++)
            found[point * n_par + k] = valid ? fit.solution[k] / scale[k] : not_a_number();
    }
}
