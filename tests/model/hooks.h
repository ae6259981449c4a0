/* tests/model/hooks.h - the heap of a model, and the functions of the C library that touch memory.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_MODEL_HOOKS_H
#define ROOST_MODEL_HOOKS_H

#include <stddef.h>
#include <stdint.h>

/* Between two executions. */
void model_heap_reset(void);
/* Blocks that have not been freed. */
int64_t model_heap_live(void);

/* What the compiler's own instrumentation does not see: sources under test are compiled with
 * memcpy and memset named so. */
void *model_memcpy(void *to, const void *from, size_t size);
void *model_memset(void *to, int byte, size_t size);

#endif
