/* The way in and out, LANES instances at a time: to a bidiagonal E in units where nothing is large,
   with the data moved by some thousand roundings for the second run, and back; and the singular
   values of b a' by Gram-Schmidt triangles and one-sided rotations (Jacobi). */

#include "stepping.c"

typedef struct {
    long N, n, m, r;
    long Ei, Ej, Li, Lk, Ri, Rk; /* strides of E (n, m), of the factors on the left and right */
    long most_steps, values, runs; /* a second run measures the error of the first */
} Problem;
#define MEASURES 8

typedef struct { V *X, *left, *right, *unit; } Way; /* reflectors in X, their factors beside */

/* Replace x by v with v_0 = 1, so that I - tau v v' sends x to the first axis; what comes there. */
static V reflector(V *x, long step, long count, V *tau, V *mixes) {
    V rest = {}, first = x[0];
    M any = {};
    for (long i = 1; i < count; i++) {
        rest += x[i * step] * x[i * step];
        mixes[i] = pick(x[i * step] != 0.0, all(1.0), all(0.0));
        any |= x[i * step] != 0.0;
    }
    mixes[0] = pick(any, all(1.0), all(0.0));
    V norm = root(first * first + rest), image = pick(first > 0.0, -norm, norm);
    M acts = rest > 0.0;
    V divisor = pick(acts, first - image, all(1.0));
    *tau = pick(acts, (image - first) / pick(acts, image, all(1.0)), all(0.0));
    for (long i = 1; i < count; i++) x[i * step] = pick(acts, x[i * step] / divisor, all(0.0));
    return pick(acts, image, first);
}

/* Apply I - tau v v' to the columns of Y (count rows). */
static void reflect(const V *v, long step, long count, V tau, V *Y, long wide, long columns,
                    V *room) {
    for (long c = 0; c < columns; c++) room[c] = Y[c];
    for (long i = 1; i < count; i++)
        for (long c = 0; c < columns; c++) room[c] += v[i * step] * Y[i * wide + c];
    for (long c = 0; c < columns; c++) Y[c] -= room[c] *= tau;
    for (long i = 1; i < count; i++)
        for (long c = 0; c < columns; c++) Y[i * wide + c] -= v[i * step] * room[c];
}

/* How large the rounding in an entry may be: what a reflector mixes takes the norm of all of it. */
static void mix(const V *mixes, long count, V *sizes, long r, const V *most) {
    for (long c = 0; c < r; c++) {
        V sum = {};
        for (long i = 0; i < count; i++) sum += mixes[i] * sizes[i * r + c] * sizes[i * r + c];
        sum = smaller(root(sum), most[c]);
        for (long i = 0; i < count; i++)
            sizes[i * r + c] = larger(sizes[i * r + c], mixes[i] * sum);
    }
}

static void column_sizes(const V *x, long rows, long r, V *sizes, V *most) {
    for (long c = 0; c < r; c++) most[c] = all(0.0);
    for (long i = 0; i < rows; i++)
        for (long c = 0; c < r; c++) {
            sizes[i * r + c] = absolute(x[i * r + c]);
            most[c] += x[i * r + c] * x[i * r + c];
        }
    for (long c = 0; c < r; c++) most[c] = root(most[c]);
}

/* One entry of every lane, 0 and marked where it is not finite or too large. */
INLINE V gather(const double *from, long apart, int lanes, M *bad, V *most) {
    V x = {};
    for (int l = 0; l < lanes; l++) x[l] = from[l * apart];
    V size = absolute(x);
    *bad |= ~(size < LARGEST);
    *most = larger(*most, size);
    return x;
}

static void enter(const Problem *p, const Way *way, long start, int lanes, const double *E,
                  const double *L, const double *R, const double *t, const double *tolerances,
                  double moved, const double *pattern, Task *about, double *data, long width,
                  V *room) {
    long n = p->n, m = p->m, r = p->r, s = (n + m) * r;
    V *b = room, *a = b + n * r, *d = a + m * r, *e = d + m, *sizes = e + m, *most = sizes + s;
    V *rows = most + 2 * r, *columns = rows + n, *mixes = columns + m, *spare = mixes + n;
    V *X = way->X, largest = {}, factor = {}, norm = {}, time = {};
    M bad = {};
    for (long i = 0; i < n; i++)
        for (long j = 0; j < m; j++) {
            const double *from = E + start * n * m + i * p->Ei + j * p->Ej;
            X[i * m + j] = gather(from, n * m, lanes, &bad, &largest);
        }
    for (long i = 0; i < n; i++)
        for (long k = 0; k < r; k++)
            b[i * r + k] = gather(L + start * n * r + i * p->Li + k * p->Lk, n * r, lanes, &bad, &factor);
    for (long j = 0; j < m; j++)
        for (long k = 0; k < r; k++)
            a[j * r + k] = gather(R + start * m * r + j * p->Ri + k * p->Rk, m * r, lanes, &bad, &factor);
    for (int l = 0; l < lanes; l++) time[l] = t[start + l];
    bad |= ~(absolute(time) <= 1.7e308);
    V safe = pick(bad | (largest == 0.0), all(1.0), largest);
    for (long x = 0; x < n * m; x++) {
        X[x] = pick(bad, all(0.0), X[x]);
        norm += (X[x] / safe) * (X[x] / safe);
    }
    norm = root(norm) * safe;
    V unit = all(1.0);
    EACH {
        double top = fmax(norm[l], factor[l] * factor[l]);
        if (!bad[l] && top > SMALLEST) unit[l] = exp2(nearbyint(log2(top) / 2));
    }
    *way->unit = unit;
    norm /= unit * unit;
    for (long x = 0; x < n * m; x++) X[x] /= unit * unit;
    for (long x = 0; x < s; x++) b[x] = pick(bad, all(0.0), b[x] / unit); /* and a behind it */
    time = pick(bad, all(0.0), time * unit * unit);

    column_sizes(b, n, r, sizes, most);
    column_sizes(a, m, r, sizes + n * r, most + r);
    for (long i = 0; i < n + m; i++) rows[i] = all(0.0); /* and columns behind them */
    V steepest = {};
    for (long j = 0; j < m; j++) {
        V *x = X + j * m + j;
        d[j] = reflector(x, m, n - j, way->left + j, mixes);
        if (j + 1 < m) reflect(x, m, n - j, way->left[j], x + 1, m, m - j - 1, spare);
        reflect(x, m, n - j, way->left[j], b + j * r, r, r, spare);
        mix(mixes, n - j, sizes + j * r, r, most);
        for (long i = j; i < n; i++) rows[i] = larger(rows[i], mixes[i - j]);
        e[j] = all(0.0);
        if (j + 1 >= m) continue;
        e[j] = reflector(x + 1, 1, m - j - 1, way->right + j, mixes);
        for (long i = 1; i < n - j; i++) { /* the rows below, one after the other */
            V *y = x + i * m + 1, dot = y[0];
            for (long c = 1; c < m - j - 1; c++) dot += x[1 + c] * y[c];
            dot *= way->right[j];
            y[0] -= dot;
            for (long c = 1; c < m - j - 1; c++) y[c] -= dot * x[1 + c];
        }
        reflect(x + 1, 1, m - j - 1, way->right[j], a + (j + 1) * r, r, r, spare);
        mix(mixes, m - j - 1, sizes + (n + j + 1) * r, r, most + r);
        for (long i = j + 1; i < m; i++) columns[i] = larger(columns[i], mixes[i - j - 1]);
    }
    for (long j = 0; j < m; j++) steepest = larger(steepest, root(d[j] * d[j] + e[j] * e[j]));
    for (int l = 0; l < lanes; l++)
        for (int far = 0; far < p->runs; far++) {
            long task = start + l + far * p->N;
            double size = far ? moved : 0.0, *to = data + task * width;
            int many = STABLE * p->most_steps < time[l] * steepest[l];
            about[task] = (Task){time[l], tolerances[far], 0.0, 0.0, 0,
                                 bad[l] ? NOT_FINITE : many ? TOO_MANY_STEPS : OK};
            for (long x = 0; x < s; x++) to[x] = AT(b, x) + size * pattern[x] * AT(sizes, x);
            for (long j = 0; j < m; j++) {
                double x = AT(d, j), y = AT(e, j), after = j + 1 < m ? AT(columns, j + 1) : 0.0;
                double mixed = fmax(AT(rows, j), AT(columns, j)) * norm[l];
                double beside = y != 0.0 ? fmax(AT(rows, j), after) * norm[l] : 0.0;
                to[s + j] = x + size * pattern[s + j] * (fabs(x) + mixed);
                to[s + m + j] = y + size * pattern[s + m + j] * (fabs(y) + beside);
            }
        }
}

/* The triangle (min(n, r), r) of x (n, r), by modified Gram-Schmidt; x is spent. */
static long triangle(V *x, long n, long r, V *R) {
    if (n <= r) {
        memcpy(R, x, sizeof(V) * n * r);
        return n;
    }
    for (long j = 0; j < r; j++) {
        V sum = {};
        for (long i = 0; i < n; i++) sum += x[i * r + j] * x[i * r + j];
        V length = root(sum), inverse = 1.0 / pick(length > 0.0, length, all(1.0));
        for (long k = 0; k < r; k++) R[j * r + k] = all(0.0);
        R[j * r + j] = length;
        for (long i = 0; i < n; i++) x[i * r + j] *= inverse;
        for (long i = 0; i < n; i++)
            for (long k = j + 1; k < r; k++) R[j * r + k] += x[i * r + j] * x[i * r + k];
        for (long i = 0; i < n; i++)
            for (long k = j + 1; k < r; k++) x[i * r + k] -= x[i * r + j] * R[j * r + k];
    }
    return r;
}

/* The singular values of C (rows >= columns), not sorted, to the front of C. */
static void rotated_values(V *C, long rows, long columns) {
    for (int sweep = 0; sweep < 40; sweep++) {
        M moving = {};
        for (long i = 0; i < columns; i++)
            for (long j = i + 1; j < columns; j++) {
                V p = {}, q = {}, s = {};
                for (long x = 0; x < rows; x++) {
                    V u = C[x * columns + i], v = C[x * columns + j];
                    p += u * u, q += v * v, s += u * v;
                }
                M turn = absolute(s) > 1e-16 * root(p) * root(q);
                turn &= absolute(s) > 1e-300;
                moving |= turn & (absolute(s) > 1e-9 * root(p) * root(q));
                V z = (q - p) / (2.0 * pick(turn, s, all(1.0)));
                V tangent = 1.0 / (absolute(z) + root(1.0 + z * z));
                tangent = pick(turn, pick(z < 0.0, -tangent, tangent), all(0.0));
                V cosine = 1.0 / root(1.0 + tangent * tangent), sine = cosine * tangent;
                for (long x = 0; x < rows; x++) {
                    V u = C[x * columns + i], v = C[x * columns + j];
                    C[x * columns + i] = cosine * u - sine * v;
                    C[x * columns + j] = sine * u + cosine * v;
                }
            }
        int more = 0;
        EACH more |= moving[l] != 0;
        if (!more) break;
    }
    V norms[columns];
    for (long j = 0; j < columns; j++) {
        V sum = {};
        for (long x = 0; x < rows; x++) sum += C[x * columns + j] * C[x * columns + j];
        norms[j] = root(sum);
    }
    memcpy(C, norms, sizeof norms);
}

static void values_of(const Problem *p, const V *b, const V *a, V scale, long start, int lanes,
                      double *values, V *room) {
    long n = p->n, m = p->m, r = p->r, few = m < r ? m : r;
    V *x = room, *y = x + n * r, *R = y + m * r, *T = R + r * r, *C = T + r * r;
    memcpy(x, b, sizeof(V) * (n + m) * r);
    long rows = triangle(x, n, r, R), columns = triangle(y, m, r, T);
    for (long i = 0; i < rows; i++)
        for (long j = 0; j < columns; j++) {
            V sum = {};
            for (long k = 0; k < r; k++) sum += R[i * r + k] * T[j * r + k];
            C[i * columns + j] = sum;
        }
    rotated_values(C, rows, columns);
    for (int l = 0; l < lanes; l++) {
        double *to = values + (start + l) * few;
        for (long j = 0; j < few; j++) { /* sorted, largest first */
            double value = AT(C, j) * scale[l];
            long i = j;
            for (; i && to[i - 1] < value; i--) to[i] = to[i - 1];
            to[i] = value;
        }
    }
}

static void leave(const Problem *p, const Way *way, long start, int lanes, const Task *about,
                  const double *data, long width, double *L, double *R, double *product,
                  double *measures, long *steps, long *reason, double *values, V *room) {
    long n = p->n, m = p->m, r = p->r, s = (n + m) * r;
    V *b = room, *a = b + n * r, *spare = a + m * r, unit = *way->unit;
    memset(b, 0, sizeof(V) * s);
    for (int l = 0; l < lanes; l++) {
        long task = start + l, far = task + (p->runs - 1) * p->N;
        const double *x = data + task * width, *y = data + far * width;
        double sums[4] = {};
        for (long i = 0; i < s; i++) {
            double gap = x[i] - y[i];
            AT(b, i) = x[i];
            sums[i >= n * r] += x[i] * x[i], sums[2 + (i >= n * r)] += gap * gap;
        }
        double *to = measures + MEASURES * task;
        for (int i = 0; i < 4; i++) to[i] = sqrt(sums[i]);
        to[4] = about[task].recent, to[5] = unit[l];
        to[6] = about[task].path, to[7] = about[far].path;
        steps[task] = about[task].steps + (far > task ? about[far].steps : 0);
        long one = about[task].reason, two = about[far].reason;
        reason[task] = one > two ? one : two;
    }
    if (p->values) values_of(p, b, a, unit * unit, start, lanes, values, spare);
    for (long j = m - 1; j >= 0; j--) {
        const V *x = way->X + j * m + j;
        reflect(x, m, n - j, way->left[j], b + j * r, r, r, spare);
        if (j + 1 < m)
            reflect(x + 1, 1, m - j - 1, way->right[j], a + (j + 1) * r, r, r, spare);
    }
    for (long x = 0; x < s; x++) b[x] *= unit;
    for (int l = 0; l < lanes; l++) {
        double *to = L + (start + l) * n * r, *other = R + (start + l) * m * r;
        for (long i = 0; i < n; i++)
            for (long k = 0; k < r; k++) to[i * p->Li + k * p->Lk] = AT(b, i * r + k);
        for (long j = 0; j < m; j++)
            for (long k = 0; k < r; k++) other[j * p->Ri + k * p->Rk] = AT(a, j * r + k);
    }
    for (long i = 0; i < n; i++)
        for (long j = 0; j < m; j++) {
            V sum = {};
            for (long k = 0; k < r; k++) sum += b[i * r + k] * a[j * r + k];
            double *to = product + start * n * m + i * p->Ei + j * p->Ej;
            for (int l = 0; l < lanes; l++) to[l * n * m] = sum[l];
        }
}

/* All N instances; 1 where there is no memory. measures (N, MEASURES): the norms of b, a and of what
   the two runs differ by, what the last steps may have lost, the unit of length, both paths. */
int lora_flow(const Problem *p, const double *E, const double *L0, const double *R0, const double *t,
              const double *tolerances, double moved, double *L, double *R, double *product,
              double *measures, long *steps, long *reason, double *values) {
    long n = p->n, m = p->m, r = p->r, s = (n + m) * r, width = s + 2 * m;
    long groups = (p->N + LANES - 1) / LANES, each = n * m + 2 * m + 1;
    long rooms = 3 * s + 4 * m + 2 * n + 2 * r + 3 * r * r + n + m + r;
    Task *about = malloc(sizeof(Task) * (2 * p->N + 1));
    double *data = malloc(8 * (2 * p->N + 1) * width), *pattern = malloc(8 * width);
    V *store = aligned_alloc(64, (sizeof(V) * (groups * each + rooms) + 63) / 64 * 64);
    int failed = !about || !data || !pattern || !store;
    for (long x = 0; !failed && x < width; x++)
        pattern[x] = cos((x + 1.0) * (x + 1.0) * 1.6180339887498949);
    V *room = store + groups * each;
    for (int back = 0; !failed && back < 2; back++) {
        for (long g = 0; g < groups; g++) {
            V *X = store + g * each;
            Way way = {X, X + n * m, X + n * m + m, X + n * m + 2 * m};
            long start = g * LANES;
            int lanes = p->N - start < LANES ? p->N - start : LANES;
            if (back) leave(p, &way, start, lanes, about, data, width, L, R, product, measures,
                            steps, reason, values, room);
            else enter(p, &way, start, lanes, E, L0, R0, t, tolerances, moved, pattern, about,
                       data, width, room);
        }
        if (!back)
            failed = integrate_all(n, m, r, p->runs * p->N, about, data, width, p->most_steps);
    }
    free(store), free(pattern), free(data), free(about);
    return failed;
}
