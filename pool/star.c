/*
 * star.c - the caller's side: starmap, a map whose task takes several arguments, each from an array of its own.
 *
 * It is a map of rows. A row holds the arguments of one item, one behind the other, and at its beginning how many there
 * are and where; a task of the library's own, run_row(), finds them and calls the program's. So workers, healing and
 * waiting know nothing of it. In C an array of structs does the same with less; this is for those who know
 * Pool.starmap().
 */
#include "caller.h"
#include <errno.h>

/* Makes an order for rows of it, and lays them out. */
static int lay_out(struct order *order, size_t ncolumns, struct row *row)
{
    size_t end = sizeof *row + ncolumns * sizeof *row->at, widest = sizeof(size_t);
    if (!order->columns)
        return error_set(EINVAL, "%s: columns is NULL", order->who);
    if (ncolumns == 0 || ncolumns > MOST_COLUMNS)
        return error_set(EINVAL, "%s: %zu columns; there must be 1 to %d", order->who, ncolumns, MOST_COLUMNS);
    *row = (struct row){ .task = order->star, .ncolumns = ncolumns };
    for (size_t i = 0; i < ncolumns; i++) {
        size_t width = order->columns[i].width, alignment = alignment_of(width);
        if (width > SIZE_MAX / 4 / MOST_COLUMNS)
            return error_set(ENOMEM, "%s: items of %zu bytes are more than any memory", order->who, width);
        if (order->count && width && !order->columns[i].base)
            return error_set(EINVAL, "%s: column %zu is NULL", order->who, i);
        widest = alignment > widest ? alignment : widest;
        row->at[i] = round_to(end, alignment);
        end = row->at[i] + width;
    }
    order->width = round_to(end, widest);
    order->row = row;
    return 0;
}

int pool_starmap(struct pool *pool, pool_star_task *task, const struct pool_column *columns, size_t ncolumns,
                 size_t count, void *results, size_t result_width)
{
    size_t row[2 + MOST_COLUMNS];
    struct order order = { "pool_starmap", NULL, NULL, count, 0, result_width, .star = task, .columns = columns };
    return lay_out(&order, ncolumns, (struct row *)row) != 0 ? -1 : submit_and_wait(pool, &order, results);
}

struct pool_result *pool_starmap_async(struct pool *pool, pool_star_task *task, const struct pool_column *columns,
                                       size_t ncolumns, size_t count, size_t result_width,
                                       const struct pool_job_options *options)
{
    size_t row[2 + MOST_COLUMNS];
    struct order order = { "pool_starmap_async", NULL, NULL, count, 0, result_width, options, 0, task, columns,
                           .row = NULL };
    return lay_out(&order, ncolumns, (struct row *)row) != 0 ? NULL : submit(pool, &order);
}
