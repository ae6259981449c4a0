/* rt/options.h - the options of a run with the environment and the defaults filled in.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_RT_OPTIONS_H
#define ROOST_RT_OPTIONS_H

#include <roost/run.h>

/* NULL opts: all defaults. 0, or ROOST_EINVAL with one line on standard error that says what. */
int roosti_options_fill(roost_run_opts *filled, const roost_run_opts *opts);

#endif
