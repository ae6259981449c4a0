/* flow/generator.h - generators, as what is built on them uses them.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_FLOW_GENERATOR_H
#define ROOST_FLOW_GENERATOR_H

#include <roost/generator.h>

/* Begins the generator's task, which has none yet: 0 or a code. */
int roosti_gen_start(roost_gen *gen);

/* Cancels and joins the generator's task; leaves its group when that is the running task's
 * innermost. Idempotent. 0, what the task failed with, or a code of misuse: the task goes on. */
int roosti_gen_stop(roost_gen *gen);

/* Whether leaving the group now would leave scopes out of order. */
bool roosti_gen_misnested(const roost_gen *gen);

#endif
