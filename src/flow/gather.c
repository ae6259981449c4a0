/* flow/gather.c - gathering the calls of an array, and sorting what they came to.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/gather.h>

#include "flow/crew.h"

int roost_gather(const roost_call *calls, size_t n, int *results, const roost_gather_opts *opts)
{
    static const roost_gather_opts defaults = {0};
    if (!opts)
        opts = &defaults;
    struct roost_impl_fan fan;
    roosti_fan_open(&fan, calls, n, results,
                    &(roost_group_opts){.policy = opts->policy,
                                        .limit = opts->limit,
                                        .errors = opts->errors,
                                        .label = opts->label ? opts->label : "gather"});
    while (roosti_fan_next(&fan))
        roosti_fan_go(&fan, NULL);
    return roosti_fan_end(&fan);
}

size_t roost_results_partition(const int *results, size_t n, size_t *indices)
{
    size_t good = 0;
    for (size_t i = 0; i < n; i++)
        if (results[i] >= 0)
            indices[good++] = i;
    size_t at = good;
    for (size_t i = 0; i < n; i++)
        if (results[i] < 0)
            indices[at++] = i;
    return good;
}
